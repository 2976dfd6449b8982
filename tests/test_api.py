"""From Python: the same pictures as from a plan made by hand, from any way to say what is wanted."""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import strikebox as sb
from strikebox import api, png, recipe
from strikebox.errors import LoraError, ModelError, RecipeError, StoreError, SubjectError
from strikebox.generation.backend import Size
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design
from strikebox.lab.run import Run

EMBEDDED = Path(str(api.lora_file(None, None))).parents[1]
needs_weights = pytest.mark.skipif(
    not (EMBEDDED / "klein-nano" / "model_index.json").is_file()
    or not (EMBEDDED / "lora" / "pytorch_lora_weights.safetensors").is_file(),
    reason="the embedded weights are not here",
)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return sb.ablate("seed", out=tmp_path_factory.mktemp("runs") / "seed", backend=ToyBackend())


def test_importing_the_package_loads_next_to_nothing() -> None:
    code = "import sys, strikebox; print(*{'numpy', 'polars', 'torch', 'typer'} & sys.modules.keys())"
    asked = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert asked.stdout.split() == []


def test_every_public_name_is_there() -> None:
    assert all(getattr(sb, name) is not None for name in sb.__all__)
    with pytest.raises(AttributeError, match="nonsense"):
        _ = sb.nonsense  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", ["baseline", "sandwich", "style-prompt", "edit", "control-no-pass-1"])
def test_a_picture_alone_is_the_picture_of_the_ablation(run: Run, name: str, tmp_path: Path) -> None:
    chosen = design.Design(
        name="one",
        title="One",
        recipes=(recipe.load(name),),
        subjects=("fox",),
        seeds=(2,),
        style="matchbox style",
    )
    (row,) = sb.ablate(chosen, tmp_path / "one", backend=ToyBackend()).table().iter_rows(named=True)
    picture = sb.generate("fox", name, 2, style="matchbox style", backend=ToyBackend())
    assert picture.png == Path(row["picture"]).read_bytes()
    assert (picture.cost.forwards, picture.cost.flops) == (row["forwards"], row["flops"])


def test_a_recipe_may_be_a_name_a_file_or_a_recipe(tmp_path: Path) -> None:
    file = tmp_path / "sandwich.toml"
    file.write_text(recipe.dumps(recipe.load("sandwich")))
    ways = ["sandwich", file, str(file), recipe.load("sandwich")]
    assert len({sb.generate("cat", way, backend=ToyBackend()).png for way in ways}) == 1


def test_a_saved_picture_tells_how_it_was_made(tmp_path: Path) -> None:
    picture = sb.generate("cat", "sandwich", seed=7, backend=ToyBackend())
    saved = png.decode(picture.save(tmp_path / "cat.png").read_bytes())
    assert saved.strikebox is not None
    assert saved.strikebox["seed"] == 7
    assert saved.strikebox["prompts"] == ["cat", "cat"]
    again = recipe.parse(saved.strikebox["recipe"]["toml"], "sandwich")  # type: ignore[index]
    assert again == picture.recipe
    assert np.array_equal(np.asarray(picture.image), saved.pixels)


def test_a_size_is_a_side_or_a_size() -> None:
    tall = sb.generate("cat", "baseline", size=Size(height=96, width=64), backend=ToyBackend())
    assert tall.image.size == (64, 96)
    assert sb.generate("cat", "baseline", size=96, backend=ToyBackend()).image.size == (96, 96)


def test_a_finished_run_is_read_again_and_made_no_more(run: Run) -> None:
    backend = ToyBackend()
    again = sb.ablate("seed", out=run.folder.path, backend=backend)
    assert not backend.batches
    assert again.table().equals(run.table())
    assert sb.open_run(run.folder.path).table().equals(run.table())


def test_a_picture_that_cannot_be_saved_leaves_nothing(tmp_path: Path) -> None:
    picture = sb.generate("cat", "baseline", backend=ToyBackend())
    with pytest.raises(StoreError, match="No such file or directory"):
        picture.save(tmp_path / "nowhere" / "cat.png")
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_is_known_before_weights_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    def load_backend(*_: object, **__: object) -> None:
        pytest.fail("weights were loaded")

    monkeypatch.setattr(api, "load_backend", load_backend)
    with pytest.raises(SubjectError):
        sb.generate("\x07")
    with pytest.raises(RecipeError, match="did you mean sandwich"):
        sb.generate("cat", "sandwhich")


def test_the_embedded_lora_goes_with_the_embedded_model_alone() -> None:
    assert api.lora_file(None, None) == EMBEDDED / "lora" / "pytorch_lora_weights.safetensors"
    assert api.lora_file("owner/model", None) is None
    assert api.lora_file(None, False) is None
    assert api.lora_file(None, "none") is None
    assert api.lora_file("owner/model", "mine.safetensors") == Path("mine.safetensors")


def test_no_lora_where_the_recipe_wants_one() -> None:
    with pytest.raises(LoraError, match="--lora"):
        sb.generate("cat", "lora", backend=ToyBackend(lora_hash=None))


def test_a_model_that_is_not_there() -> None:
    with pytest.raises(ModelError, match="neither a directory here nor a hub id"):
        sb.load_backend("./no/such/model")


@needs_weights
def test_the_embedded_model_is_described_as_it_loads() -> None:
    described, loaded = api.describe_model(), sb.load_backend(lora=False).model
    assert (described.size, described.architecture) == (loaded.size, loaded.architecture)
    assert described.pixels_per_token == loaded.pixels_per_token
    assert (described.name, described.distilled) == (loaded.name, loaded.distilled)


@needs_weights
def test_the_embedded_sandwich_is_a_picture_and_the_same_one_again() -> None:
    backend = sb.load_backend()
    first, second = (sb.generate("cat", "sandwich", seed=1, backend=backend) for _ in range(2))
    assert first.png == second.png
    assert Image.open(io.BytesIO(first.png)).size == (128, 128)
    assert np.asarray(first.image).std() > 10  # not one flat colour
    assert first.cost.forwards == 108


def test_the_embedded_spectrum_is_that_of_its_own_size_alone() -> None:
    model, spectrum = api.describe_model(), api.latent_spectrum()
    assert spectrum is not None
    assert spectrum.modes == model.tokens(model.size) * model.architecture.in_channels
    assert spectrum.bits_across(0.99) < spectrum.bits_across(0.8)
    assert api.latent_spectrum(None, Size(height=256, width=256)) is None
    assert api.latent_spectrum("owner/model") is None


def test_a_damaged_spectrum_is_named(tmp_path: Path) -> None:
    (tmp_path / "latents.json").write_text('{"name": "x"}')
    with pytest.raises(ModelError, match=r"latents\.json.*measure it again"):
        api.latent_spectrum(tmp_path)


def test_a_run_keeps_the_spectrum_for_its_blueprints(tmp_path: Path) -> None:
    kept = sb.ablate("seed", out=tmp_path / "run", backend=ToyBackend(), spectrum=api.latent_spectrum())
    assert sb.open_run(tmp_path / "run").spectrum == kept.spectrum == api.latent_spectrum()
