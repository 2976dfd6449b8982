"""Which directories are models, which names are paths, and what a model's hash depends on."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tiny_klein import write_json

from strikebox.errors import DeviceError, ModelError
from strikebox.klein import profile, weights
from strikebox.klein.device import pick_device, pick_dtype
from strikebox.klein.profile import Profile

CPU = torch.device("cpu")


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "copy"))


def load(directory: Path | str) -> weights.Weights:
    return weights.load(directory, device=CPU, dtype=torch.float32)


def test_loads_in_the_precision_asked_for(tiny: Path) -> None:
    loaded = weights.load(tiny, device=CPU, dtype=torch.bfloat16)
    networks = (loaded.transformer, loaded.vae, loaded.text_encoder)
    assert {p.dtype for network in networks for p in network.parameters()} == {torch.bfloat16}
    assert not any(p.requires_grad for network in networks for p in network.parameters())


def test_tokens_are_those_of_the_stock_pipeline(tiny: Path) -> None:
    """AutoTokenizer must not choose a class that splits words in its own way."""
    from diffusers import Flux2KleinPipeline

    text = "<s>a cat, matchbox style</s>"
    stock = Flux2KleinPipeline.from_pretrained(tiny).tokenizer
    assert load(tiny).tokenizer(text)["input_ids"] == stock(text)["input_ids"]


def edit(name: str, **changes: object) -> Callable[[Path], None]:
    def change(directory: Path) -> None:
        path = directory / name
        values = json.loads(path.read_text()) | changes
        write_json(path, {key: value for key, value in values.items() if value is not None})

    return change


def cut(directory: Path) -> None:
    path = directory / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])


def pickled(directory: Path) -> None:
    path = directory / "transformer" / "diffusion_pytorch_model.safetensors"
    path.rename(path.with_suffix(".bin"))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda d: (d / "model_index.json").unlink(), "no model_index.json"),
        (lambda d: (d / "model_index.json").write_text("{"), "cannot read"),
        (edit("model_index.json", _class_name="FluxPipeline"), "is a FluxPipeline"),
        (lambda d: shutil.rmtree(d / "vae"), "no folder vae"),
        (pickled, "no .safetensors in transformer"),
        (cut, "cannot be loaded"),
        (lambda d: (d / "tokenizer" / "tokenizer.json").unlink(), "cannot be loaded"),
        (edit("scheduler/scheduler_config.json", use_dynamic_shifting=False), "not FLUX.2's schedule"),
        (edit("profile.json", steeps=4), "unknown key 'steeps'"),
        (edit("profile.json", steps="28"), "steps must be of type int"),
        (edit("profile.json", size=0), "at least 1"),
        (edit("profile.json", text_layers=[]), "list of layer numbers"),
        (edit("profile.json", text_layers=[1, 2, 9]), "text layer 9 of 6"),
        (edit("profile.json", text_layers=[1, 2]), "64 text dimensions for 96"),
    ],
)
def test_a_damaged_model_is_one_clear_error(
    copy: Path, damage: Callable[[Path], object], message: str
) -> None:
    damage(copy)
    with pytest.raises(ModelError, match=message) as error:
        load(copy)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name",
    ["./no/where", "/no/where", "~/nowhere", "nowhere", "a/b/c", "../x", "C:\\models", "{existing}/klein"],
)
def test_what_looks_like_a_path_is_not_looked_up(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def download(*_: object, **__: object) -> str:
        raise AssertionError("looked up")

    monkeypatch.setattr(weights, "snapshot_download", download)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "existing").mkdir()
    with pytest.raises(ModelError, match="neither a directory here nor a hub id"):
        weights.locate(name.format(existing="existing"))


def test_a_hub_id_is_looked_up_without_pickles(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[object] = []

    def download(name: str, *, allow_patterns: list[str]) -> str:
        asked.append(name)
        assert not any(pattern.endswith((".bin", ".pt", "*")) for pattern in allow_patterns)
        return str(tiny)

    monkeypatch.setattr(weights, "snapshot_download", download)
    assert weights.locate("black-forest-labs/FLUX.2-klein-base-4B") == tiny
    assert asked == ["black-forest-labs/FLUX.2-klein-base-4B"]


def test_no_network_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(*_: object, **__: object) -> str:
        raise OSError("no route\nto host")

    monkeypatch.setattr(weights, "snapshot_download", download)
    with pytest.raises(ModelError, match=r"cannot download the model a/b: no route$"):
        weights.locate("a/b")


def test_the_hash_is_that_of_the_content(tiny: Path, copy: Path) -> None:
    """Where it lies, what it is called and its defaults do not count; weights and text layers do."""
    plain = Profile(name="x")
    before = weights.digest(tiny, plain)
    assert before == weights.digest(copy, Profile(name="y", steps=4, guidance=1.0))
    assert before != weights.digest(copy, Profile(name="x", text_layers=(1,)))
    path = copy / "vae" / "diffusion_pytorch_model.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"\x7f")
    assert before != weights.digest(copy, plain)


def test_the_hash_of_a_hub_model_is_that_of_a_copy(tiny: Path, copy: Path) -> None:
    """The hub's cache holds links to blobs; those named by their sha256 are not read again."""
    import hashlib

    path = copy / "vae" / "diffusion_pytorch_model.safetensors"
    blob = copy.parent / hashlib.sha256(path.read_bytes()).hexdigest()
    path.rename(blob)
    path.symlink_to(blob)
    blob.write_bytes(b"")
    assert weights.digest(copy, Profile(name="x")) == weights.digest(tiny, Profile(name="x"))


def test_without_a_profile_klein_is_assumed(copy: Path) -> None:
    (copy / "profile.json").unlink()
    assert profile.read(copy, "x") == Profile(name="x", steps=28)
    edit("model_index.json", is_distilled=True)(copy)
    assert profile.read(copy, "x") == Profile(name="x", steps=4, distilled=True)


def test_the_profile_is_read(tiny: Path) -> None:
    wanted = Profile(name="tiny", text_tokens=12, text_layers=(1, 2, 4), steps=8, guidance=3.0, size=64)
    assert profile.read(tiny, "x") == wanted


def test_a_device_that_is_not_there_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert pick_device("auto") == CPU
    for name, message in (
        ("cuda", "not there"),
        ("cuda:1", "not there"),
        ("mps", "not there"),
        ("tpu", "unknown"),
    ):
        with pytest.raises(DeviceError, match=message):
            pick_device(name)


def test_precision_by_name() -> None:
    assert pick_dtype("bfloat16", CPU) is torch.bfloat16
    assert pick_dtype("auto", torch.device("cuda")) is torch.bfloat16
    assert pick_dtype("auto", CPU) in (torch.float32, torch.bfloat16)
    with pytest.raises(DeviceError, match="unknown"):
        pick_dtype("int4", CPU)
