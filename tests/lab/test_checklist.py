"""Each row measures what it says, and its verdict follows from the figure; what was not measured is no go."""

import io
import json
import sys
import types
from collections.abc import Sequence
from dataclasses import replace
from math import log2
from pathlib import Path

import numpy as np
import pytest
import typer
from numpy.typing import NDArray
from PIL import Image, ImageEnhance
from safetensors.numpy import save_file  # pyright: ignore[reportUnknownVariableType]
from typer.testing import CliRunner

import strikebox
from strikebox.cli import checklist as command
from strikebox.errors import DatasetError, ExtractorError, LoraError
from strikebox.flow import Band, LatentSpectrum, schedule, time_shift
from strikebox.generation.backend import Pixels, Size
from strikebox.generation.toy import ToyBackend
from strikebox.lab import complexity, dataset, design, near_duplicates
from strikebox.lab.checklist import Evidence, Row, check, count_parameters, lora, pictures, protocol, words
from strikebox.lab.dataset import Dataset, DatasetPicture
from strikebox.lab.near_duplicates import likeness, thumbprint
from strikebox.lora import header
from strikebox.measuring.evidence import default_cache
from strikebox.metrics.features import Feature, Reading, Word

LABELS = Path(strikebox.__file__).parent / "embedded" / "labels"
MODEL = ToyBackend(size=Size(height=128, width=128)).model


@pytest.fixture(scope="module")
def training() -> Dataset:
    return dataset.read(LABELS / "train")


@pytest.fixture(scope="module")
def labels(training: Dataset) -> list[Pixels]:
    return [p.pixels() for p in training.pictures]


@pytest.fixture(scope="module")
def prints(labels: list[Pixels]) -> NDArray[np.float32]:
    return np.stack([thumbprint(label) for label in labels])


@pytest.fixture(scope="module")
def held() -> Dataset:
    return dataset.read(LABELS / "held-out")


@pytest.fixture(scope="module")
def held_prints(held: Dataset) -> NDArray[np.float32]:
    return np.stack([thumbprint(p.pixels()) for p in held.pictures])


def described(*captions: str | None, slogans: bool = False, side: int = 128) -> Dataset:
    """Pictures of which only words and sides matter."""
    return Dataset(
        Path("set"),
        tuple(
            DatasetPicture(
                name=f"{n:03}.png",
                path=Path(f"{n:03}.png"),
                sha256=f"{n:064}",
                caption=caption,
                subject=None,
                text="МИР" if slogans else None,
                width=side,
                height=side + 10,
            )
            for n, caption in enumerate(captions)
        ),
        (),
    )


# Complexity


@pytest.mark.parametrize("directions", [5, 20, 60])
@pytest.mark.parametrize("n", [60, 300])
def test_variety_of_an_even_cloud_is_its_dimension_whatever_the_number(directions: int, n: int) -> None:
    rng = np.random.default_rng(1)
    cloud = rng.normal(size=(n, directions)) @ np.linalg.qr(rng.normal(size=(200, directions)))[0].T
    assert complexity.variety(cloud.astype(np.float32) + 7) == pytest.approx(directions, rel=0.15)


def test_variety_of_copies_of_few_pictures_is_few() -> None:
    rng = np.random.default_rng(2)
    few = rng.normal(size=(6, 500))[rng.integers(6, size=300)]
    assert complexity.variety(few.astype(np.float32)) < 6


def test_the_error_is_that_of_the_covariance() -> None:
    """E |S - C|^2 / |C|^2 = (1 + V) / n for Gaussians, by simulation with a falling spectrum."""
    rng, spread, n = np.random.default_rng(3), np.arange(1, 31) ** -0.7, 40
    covariance = np.diag(spread**2)
    v = covariance.trace() ** 2 / np.square(covariance).sum()
    squared = []
    for _ in range(400):
        x = rng.normal(size=(n, 30)) * spread
        squared.append(np.square(x.T @ x / n - covariance).sum() / np.square(covariance).sum())
    assert np.sqrt(np.mean(squared)) == pytest.approx(complexity.error(n, v), rel=0.03)


@pytest.mark.parametrize("v", [3.0, 37.6, 200.0])
def test_so_many_pictures_have_that_error(v: float) -> None:
    for wanted in (1.0, 0.5, 0.1):
        n = complexity.pictures_for(wanted, v)
        assert complexity.error(n, v) <= wanted < complexity.error(n - 1, v)


def test_variety_of_nothing() -> None:
    for features in (np.zeros((50, 4), np.float32), np.eye(3, dtype=np.float32)):
        with pytest.raises(ValueError, match="say nothing about variety"):
            complexity.variety(features)


# Near-duplicates


def _jpeg(label: Pixels) -> Pixels:
    buffer = io.BytesIO()
    Image.fromarray(label).save(buffer, "JPEG", quality=40)
    return np.asarray(Image.open(buffer))


def _crop(label: Pixels, cut: int) -> Pixels:
    inner = Image.fromarray(label).crop((cut, cut, 128 - cut, 128 - cut))
    return np.asarray(inner.resize((128, 128), Image.Resampling.LANCZOS))


EDITS = {
    "jpeg": _jpeg,
    "crop 5%": lambda label: _crop(label, 3),
    "crop 20%": lambda label: _crop(label, 13),
    "mirror": lambda label: label[:, ::-1],
    "small": lambda label: np.asarray(Image.fromarray(label).resize((48, 48))),
    "large": lambda label: np.asarray(Image.fromarray(label).resize((400, 400))),
    "grey": lambda label: np.asarray(Image.fromarray(label).convert("L").convert("RGB")),
    "recoloured": lambda label: label[..., [1, 2, 0]],
    "bright": lambda label: np.asarray(ImageEnhance.Brightness(Image.fromarray(label)).enhance(1.3)),
}


@pytest.mark.parametrize("edit", EDITS)
def test_planted_copies_are_alike(labels: list[Pixels], prints: NDArray[np.float32], edit: str) -> None:
    chosen = range(0, 300, 6)
    copies = np.stack([thumbprint(np.ascontiguousarray(EDITS[edit](labels[n]))) for n in chosen])
    found = likeness(copies, prints)
    assert np.array_equal(found.argmax(axis=1), list(chosen))
    assert (found.max(axis=1) >= near_duplicates.ALIKE).mean() >= 0.98


def test_different_labels_are_not(prints: NDArray[np.float32], held_prints: NDArray[np.float32]) -> None:
    assert near_duplicates.near_duplicates(prints) == []
    assert near_duplicates.shared(held_prints, prints) == []
    assert np.triu(likeness(prints, prints), k=1).max() < 0.9


def test_plain_pictures_are_like_nothing() -> None:
    plain = np.stack([thumbprint(np.full((50, 70, 3), shade, np.uint8)) for shade in (0, 0, 17, 255)])
    assert near_duplicates.near_duplicates(plain) == []


def test_duplicates_are_named(training: Dataset, prints: NDArray[np.float32]) -> None:
    clean = pictures.duplicates(training, prints)
    assert (clean.verdict, clean.figure) == ("go", "0 of 300 pictures too many")
    twin = prints.copy()
    twin[7] = prints[3]
    some = pictures.duplicates(replace(training, repeats=(("copy.png", "000.png"),)), twin)
    assert (some.verdict, some.figure) == ("look", "2 of 301 pictures too many")
    assert "000.png and copy.png; 003.png and 007.png." in some.reason
    many = pictures.duplicates(training, np.concatenate([prints[:250], prints[:50]]))
    assert (many.verdict, many.values["redundant"]) == ("stop", 50)
    assert "000.png and 250.png" in many.reason
    assert many.reason.endswith("47 pairs more.")


# Rows on pictures


@pytest.mark.parametrize(
    ("n", "verdict", "said"),
    [
        (38, "stop", "no more than themselves"),
        (39, "look", "to within 100%; 156 pictures would to 50%"),
        (155, "look", "to within 50%; 156"),
        (156, "go", "to within 50%."),
    ],
)
def test_size_against_a_style_of_38_directions(n: int, verdict: str, said: str) -> None:
    row = pictures.size(n, 38.0, None)
    assert row.verdict == verdict
    assert said in row.reason


@pytest.mark.parametrize(
    ("side", "verdict"), [(128, "go"), (127, "look"), (64, "look"), (63, "stop")]
)  # fmt: skip
def test_resolution(side: int, verdict: str) -> None:
    row = pictures.resolution(described(*["x"] * 5, side=side), MODEL.size)
    assert (row.verdict, row.values["smaller"]) == (verdict, 0 if side == 128 else 5)


@pytest.mark.parametrize(
    ("n", "verdict"), [(1, "stop"), (18, "stop"), (19, "look"), (298, "look"), (299, "look")]
)
def test_held_out_pictures_calibrate(n: int, verdict: str) -> None:
    assert _held(n, cells=75).verdict == verdict


def test_none_held_out(training: Dataset, prints: NDArray[np.float32]) -> None:
    row = pictures.held_out(training, prints, None, None, 75)
    assert (row.verdict, row.values["held_out"], row.values["least_p"]) == ("stop", 0, 1)
    assert "keep 19 pictures of the style out of the training" in row.reason


def test_the_numbers_that_calibrate_are_the_least() -> None:
    assert 1 / (pictures.TO_CALIBRATE + 1) <= 0.05 < 1 / pictures.TO_CALIBRATE
    assert 0.99**pictures.TO_CERTIFY < 0.05 < 0.99 ** (pictures.TO_CERTIFY - 1)


@pytest.mark.parametrize(
    ("n", "cells"), [(120, 75), (19, 75), (299, 75), (1499, 75), (1498, 75), (39, 2), (400, 1)]
)
def test_fewest_leaks_that_can_be_told(n: int, cells: int) -> None:
    """Benjamini and Hochberg's procedure itself, on leaks that beat every held-out picture."""

    def rejects(leaks: int) -> bool:
        p = np.sort(np.array([1 / (n + 1)] * leaks + [1.0] * (cells - leaks)))
        return bool(np.any(p <= 0.05 * np.arange(1, cells + 1) / cells + 1e-12))

    least = _held(n, cells).values["least_leaks"]
    assert isinstance(least, int)
    assert least > cells or rejects(least)
    assert least == 1 or not rejects(least - 1)


def test_held_out_pictures_that_were_trained_on(
    training: Dataset,
    prints: NDArray[np.float32],
    held: Dataset,
    held_prints: NDArray[np.float32],
    labels: list[Pixels],
) -> None:
    clean = pictures.held_out(training, prints, held, held_prints, 75)
    assert (clean.verdict, clean.values["in_training"]) == ("look", [])
    spoilt = held_prints.copy()
    spoilt[5] = thumbprint(_crop(labels[17], 5))
    row = pictures.held_out(training, prints, held, spoilt, 75)
    assert row.verdict == "stop"
    assert row.reason.startswith("1 of them are in the training set too (005.png is 017.png)")


def _held(n: int, cells: int) -> Row:
    empty = np.zeros((n, 18, 256), np.float32)
    return pictures.held_out(described("a"), empty[:1], unseen(n), empty, cells)


def unseen(n: int) -> Dataset:
    found = described(*["held out"] * n)
    return replace(found, pictures=tuple(replace(p, sha256="h" + p.sha256) for p in found.pictures))


# Rows on words


@pytest.mark.parametrize(
    ("captions", "trigger", "verdict", "said"),
    [
        (["a red cat on a mat, tin style", "a dog runs far, tin style"], "tin style", "go", "says 5 words"),
        (["cat, tin style", "dog, tin style"], "tin style", "look", "a caption says 1 word;"),
        (["tin style"] * 9, "tin style", "stop", "All say 'tin style'"),
        ([None, None], "tin style", "stop", "Without captions"),
        (["a red cat on a mat, tin style", None], "tin style", "look", "1 picture without a caption"),
        (["a red cat on a mat, tin style", "a dog that runs far"], "tin style", "look", "1 of 2 captions"),
        (["a red cat on a mat", "a dog that runs far"], "tin style", "stop", "No caption says 'tin style'"),
        (["a red cat on a mat, TIN Style", "a dog runs here, tin style"], "Tin style", "go", "Every caption"),
        (["a red cat on a mat, tin style", "a big dog, tin style"], None, "look", "says 'a tin style'"),
        (["one red cat sits", "two dogs run off"], None, "look", "no word stands in every caption"),
        (["красный кот сидит тут, стиль", "синий пёс бежит туда, стиль"], "Стиль", "go", "Every caption"),
    ],
)  # fmt: skip
def test_captions(captions: list[str | None], trigger: str | None, verdict: str, said: str) -> None:
    row = words.captions(described(*captions), trigger)
    assert row.verdict == verdict
    assert said in row.reason


def test_captions_of_the_labels(training: Dataset) -> None:
    row = words.captions(training, "matchbox style")
    wanted = {"captioned": 300, "distinct": 40, "with_trigger": 300, "words_beside_trigger": 1}
    assert {key: row.values[key] for key in wanted} == wanted
    assert row.values["effective"] == pytest.approx(40, abs=1)
    assert row.values["in_every_caption"] == ["matchbox", "style"]


def reading(text: str, confidence: float = 0.9) -> Reading:
    return Reading((Word(text=text, confidence=confidence, box=(0, 0, 1, 1)),))


@pytest.mark.parametrize(
    ("readings", "slogans", "verdict", "figure"),
    [
        ([reading("МИР")] * 3 + [Reading(())], False, "look", "3 of 4 with lettering, as read"),
        ([reading("МИР", 0.5), reading("il"), reading("19"), Reading(())], True, "go", "0 of 4"),
        (None, True, "look", "4 of 4 with lettering, by the metadata"),
        (None, False, "look", "not measured"),
    ],
)  # fmt: skip
def test_lettering(readings: Sequence[Reading] | None, slogans: bool, verdict: str, figure: str) -> None:
    row = words.lettering(described(*"abcd", slogans=slogans), readings, "install tesseract")
    assert row.verdict == verdict
    assert row.figure.startswith(figure)
    if figure == "not measured":
        assert row.values["lettered"] is None
        assert "install tesseract" in row.reason


# Rows on the LoRA


def lora_file(
    folder: Path, rank: int = 4, alpha: float | None = None, metadata: dict[str, str] | None = None
) -> Path:
    path, stem = folder / "style.safetensors", "transformer.single_transformer_blocks.0.attn.to_out"
    tensors = {
        f"{stem}.lora_A.weight": np.zeros((rank, 64), np.float32),
        f"{stem}.lora_B.weight": np.zeros((32, rank), np.float32),
    }
    if alpha is not None:
        tensors[f"{stem}.alpha"] = np.array(alpha, np.float32)
    save_file(tensors, path, metadata or {"trigger_words": "tin style"})
    return path


@pytest.mark.parametrize(
    ("alpha", "metadata", "verdict", "figure"),
    [
        (8.0, None, "go", "alpha / rank 2 at scale 1.0"),
        (None, None, "look", "alpha / rank 1 at scale 1.0"),
        (None, {"ss_network_alpha": "8"}, "look", "alpha / rank 1 at scale 1.0"),
    ],
)
def test_what_scale_means(
    tmp_path: Path, alpha: float | None, metadata: dict[str, str] | None, verdict: str, figure: str
) -> None:
    found = header.read(lora_file(tmp_path, alpha=alpha, metadata=metadata))
    row = lora.scale(found)
    assert (row.verdict, row.figure, row.reason) == (verdict, figure, found.alpha.meaning())


@pytest.mark.parametrize(
    ("n", "variety", "verdict", "said"),
    [
        (300, 38.0, "go", "varies in 38 directions, each layer has 32"),
        (300, 20.0, "look", "there is room for more than style"),
        (300, None, "look", "was not measured"),
        (33, 38.0, "go", "each layer has 32"),
        (32, 38.0, "stop", "Each of 32 pictures can have a direction of its own"),
    ],
)
def test_rank_against_size(tmp_path: Path, n: int, variety: float | None, verdict: str, said: str) -> None:
    row = lora.rank(header.read(lora_file(tmp_path, rank=32)), n, variety)
    assert row.verdict == verdict
    assert said in row.reason


def test_parameters_are_counted_and_compared_with_latents(tmp_path: Path) -> None:
    count = count_parameters(lora_file(tmp_path, alpha=8.0))
    assert count == 4 * 64 + 32 * 4
    latents = MODEL.architecture.in_channels * 64
    for n, verdict in ((1, "go"), (100, "go")):
        row = lora.parameters(count, n, MODEL)
        assert (row.verdict, row.values["per_latent"]) == (verdict, pytest.approx(count / n / latents))
    assert lora.parameters(10 * latents, 10, MODEL).verdict == "look"
    assert lora.parameters(10 * latents - 1, 10, MODEL).verdict == "go"


# Rows on the design


def of_size(subjects: int, seeds: int, *recipes: str) -> design.Design:
    base = design.load("seed")
    chosen = tuple(r for r in base.recipes if not recipes or r.name in recipes)
    names = tuple(f"animal {n}" for n in range(subjects))
    return replace(base, recipes=chosen, subjects=names, seeds=tuple(range(seeds)))


@pytest.mark.parametrize(
    ("subjects", "seeds", "verdict", "said"),
    [
        (6, 2, "go", "Two subjects under one seed"),
        (5, 3, "look", "the least p of any difference between two recipes is 0.0625; 6 subjects"),
        (6, 1, "stop", "With one seed"),
        (1, 3, "stop", "With one subject"),
    ],
)  # fmt: skip
def test_seeds_and_subjects(subjects: int, seeds: int, verdict: str, said: str) -> None:
    row = protocol.seeds(of_size(subjects, seeds))
    assert row.verdict == verdict
    assert said in row.reason


def test_strengths_are_start_sigmas_of_this_model() -> None:
    row = protocol.strengths(of_size(6, 2), MODEL, 300, None)
    sigmas = schedule(28, time_shift(64, 28))
    table = row.values["strengths"]
    assert isinstance(table, list)
    assert [(e["strength"], e["sigma"]) for e in table if e["strength"] in (0.5, 0.9, 1.0)] == [
        (0.5, sigmas[14]),
        (0.9, sigmas[2]),
        (1.0, 1.0),
    ]
    assert [e["bits"] for e in table] == sorted((e["bits"] for e in table), reverse=True)
    assert table[-1]["bits"] == 0
    assert (row.verdict, row.values["cannot_matter"]) == ("look", ["sandwich"])
    assert row.figure == "strength 0.9 starts at sigma 0.987"


def test_a_design_without_handoffs_has_none_that_cannot_matter() -> None:
    row = protocol.strengths(of_size(6, 2, "baseline", "lora"), MODEL, 300, None)
    assert (row.verdict, row.values["cannot_matter"]) == ("go", [])


@pytest.mark.parametrize("n", [2, 300, 100_000])
@pytest.mark.parametrize("power", [0.1, 1.0, 50.0])
def test_the_highest_sigma_lets_just_enough_bits_across(n: int, power: float) -> None:
    modes = 2048
    spectrum = LatentSpectrum(name="even", bands=(Band(cycles=1, modes=modes, power=power),))
    row = protocol.strengths(of_size(6, 2), MODEL, n, spectrum)
    ratio = (2 ** (2 * log2(n) / modes) - 1) / power
    assert row.values["highest_sigma"] == pytest.approx(1 / (1 + ratio**0.5), abs=2e-4)


# All of it


def evidence(tmp_path: Path, training: Dataset, **changes: object) -> Evidence:
    """Of a set that leaves nothing to wish for, but for what `changes`."""
    rng = np.random.default_rng(4)
    n = len(training.pictures)
    file = lora_file(tmp_path, alpha=8.0)
    sound = Evidence(
        header=header.read(file),
        parameters=count_parameters(file),
        model=MODEL,
        design=of_size(6, 2, "baseline", "style-prompt"),
        trigger="tin style",
        training=training,
        prints=np.zeros((n, 18, 256), np.float32),
        held_out=unseen(500),
        held_out_prints=np.zeros((500, 18, 256), np.float32),
        features=rng.normal(size=(n, 12)).astype(np.float32),
        readings=[Reading(())] * n,
    )
    return replace(sound, **changes)  # type: ignore[arg-type]


def sound_set() -> Dataset:
    return described(*(f"a {n}-legged beast that runs in a field, tin style" for n in range(100)))


def test_a_sound_set_is_a_go(tmp_path: Path) -> None:
    done = check(evidence(tmp_path, sound_set()))
    assert [(row.name, row.verdict) for row in done.rows if row.verdict != "go"] == []
    assert (done.verdict, done.stops) == ("go", ())


def test_what_was_not_measured_is_never_a_go(tmp_path: Path) -> None:
    bare = evidence(
        tmp_path, sound_set(), features=None, readings=None, no_features="install it", held_out=None
    )
    rows = {row.name: row for row in check(bare).rows}
    assert {name: rows[name].verdict for name in ("size", "rank", "lettering", "held-out")} == {
        "size": "look",
        "rank": "look",
        "lettering": "look",
        "held-out": "stop",
    }
    assert "install it" in rows["size"].reason
    assert rows["size"].values["variety"] is None


def test_one_stop_stops(tmp_path: Path) -> None:
    done = check(evidence(tmp_path, sound_set(), design=of_size(6, 1, "baseline")))
    assert (done.verdict, [row.name for row in done.stops]) == ("stop", ["seeds"])


def test_too_few_different_features_are_not_measured(tmp_path: Path) -> None:
    done = check(evidence(tmp_path, sound_set(), features=np.ones((100, 3), np.float32)))
    assert (done.rows[0].verdict, done.rows[0].values["variety"]) == ("look", None)


def test_facts_are_json(tmp_path: Path) -> None:
    facts = json.loads(json.dumps(check(evidence(tmp_path, sound_set())).facts(), allow_nan=False))
    assert facts["verdict"] == "go"
    assert [row["name"] for row in facts["rows"]] == [
        "size",
        "near-duplicates",
        "resolution",
        "held-out",
        "captions",
        "lettering",
        "scale",
        "rank",
        "parameters",
        "seeds",
        "strengths",
    ]


# The command


class Means:
    """Means of a grid of cells: an extractor that needs nothing."""

    name, version = "means", "1"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        return [thumbprint(picture)[0] for picture in pictures]


@pytest.fixture
def extractors(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(name: str) -> Means:
        if name == "nowhere":
            raise ExtractorError("nowhere is not installed; install nowhere")
        return Means()

    def available(language: str) -> str:
        return f"tesseract does not know {language}; install tesseract-ocr-{language}"

    for module, parts in (
        ("registry", {"extractor": load}),
        ("tesseract", {"available": available, "Tesseract": Means}),
    ):
        fake = types.ModuleType(f"strikebox.extractors.{module}")
        vars(fake).update(parts)
        monkeypatch.setitem(sys.modules, fake.__name__, fake)
        monkeypatch.setattr(fake.__name__, fake, raising=False)


app = typer.Typer()
app.command()(command.checklist)


@pytest.mark.usefixtures("extractors")
def test_the_command_on_the_embedded_set(tmp_path: Path) -> None:
    asked = ["embedded", "embedded", "--held-out", "embedded", "--cache", str(tmp_path)]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0
    assert "go    Near-duplicates: 0 of 300 pictures too many" in result.output
    assert result.output.splitlines()[-1].startswith("go, knowing ")
    again = CliRunner().invoke(app, [*asked, "--json"])
    facts = json.loads(again.output)
    assert (facts["verdict"], facts["design"], facts["problems"]) == ("go", "seed", [])
    assert {row["name"]: row["verdict"] for row in facts["rows"]}["lettering"] == "look"


@pytest.mark.usefixtures("extractors")
def test_the_command_stops_with_3(tmp_path: Path) -> None:
    for n in range(3):
        Image.fromarray(np.random.default_rng(n).integers(255, size=(64, 64, 3), dtype=np.uint8)).save(
            tmp_path / f"{n}.png"
        )
    (tmp_path / "broken.png").write_bytes(b"")
    asked = [str(lora_file(tmp_path)), str(tmp_path), "--cache", str(tmp_path / "c"), "--features", "nowhere"]
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 3
    assert "broken.png: is no picture that can be read" in result.stderr
    said = " ".join(result.stdout.split())
    assert "nowhere is not installed; install nowhere" in said
    assert "It was not read: tesseract does not know rus; install tesseract-ocr-rus" in said
    assert result.stdout.splitlines()[-1].startswith("stop: mend first: Held-out pictures, Captions")
    assert CliRunner().invoke(app, [*asked, "--json"]).exit_code == 3


@pytest.mark.usefixtures("extractors")
@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["none", "embedded"], LoraError),
        (["nothing.safetensors", "embedded"], LoraError),
        (["embedded", "nowhere"], DatasetError),
        (["embedded", "embedded", "--held-out", "nowhere"], DatasetError),
    ],
)
def test_bad_input_is_one_clear_error(tmp_path: Path, arguments: list[str], error: type[Exception]) -> None:
    result = CliRunner().invoke(app, [*arguments, "--cache", str(tmp_path)])
    assert isinstance(result.exception, error)
    assert "\n" not in str(result.exception)


def test_the_cache_is_where_caches_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "strikebox"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache() == Path.home() / ".cache" / "strikebox"
