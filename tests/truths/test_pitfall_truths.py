"""The seven pitfalls, planted as pictures: a flawed run must raise each, a clean one must raise none.

Everything between the pictures and the findings is real, but for a judge that knows what was planted.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import planted
import planted_run
import pytest
from numpy.random import Generator
from PIL import Image

import strikebox
from strikebox import measuring
from strikebox.generation.backend import Pixels
from strikebox.generation.plan import Cell
from strikebox.lab import dataset, measure, verdict
from strikebox.lab.verdict import Verdict
from strikebox.metrics.features import Feature

Labels = list[tuple[Pixels, dict[str, Any]]]
EMBEDDED = Path(strikebox.__file__).parent / "embedded"
SUBJECTS = ("cat", "dog", "fox", "bear", "owl", "wolf", "lion", "tiger")
SEEDS = (1, 2, 3)
RESERVED = 48  # held-out labels that play generated pictures; the others calibrate
PITFALLS = (
    "over-cooking",
    "textbook-leakage",
    "memorisation",
    "misaligned-strength",
    "blind-edit",
    "seed-collapse",
    "theory-against-evidence",
)


@dataclass(frozen=True, slots=True)
class KnowingJudge:
    """Answers with what was planted: one direction a name, and one for pictures that show nothing."""

    shown: dict[str, str]  # by hash of the pixels
    name: str = "knowing"
    version: str = "1"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        return [self._direction(self.shown.get(digest(picture), "")) for picture in pictures]

    def words(self, texts: Sequence[str]) -> Feature:
        return np.stack([self._direction(text) for text in texts])

    @staticmethod
    def _direction(name: str) -> Feature:
        seed = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])
        vector = np.random.default_rng(seed).normal(size=64)
        return (vector / np.linalg.norm(vector)).astype(np.float32)


def digest(picture: Pixels) -> str:
    return hashlib.sha256(np.ascontiguousarray(picture).tobytes()).hexdigest()


@pytest.fixture(scope="module")
def drawings() -> list[Pixels]:
    """One set of drawings: the base model's pictures."""
    rows = [
        json.loads(line)
        for line in (EMBEDDED / "distractors" / "metadata.jsonl").read_text("utf-8").splitlines()
    ]
    return [
        np.asarray(Image.open(EMBEDDED / "distractors" / row["file_name"]).convert("RGB"))
        for row in rows
        if row["set"] in ("noto", "twemoji")
    ]


def dealt(pictures: Sequence[Pixels]) -> Callable[[Cell], Pixels]:
    """Each cell the next picture."""
    left: Iterator[Pixels] = iter(pictures)
    return lambda cell: next(left)


def noise(labels: Labels, rng: Generator) -> list[Pixels]:
    """Labels cut into tiles of 8 pixels that lie anywhere."""

    def shuffled(label: Pixels) -> Pixels:
        tiles = label.reshape(16, 8, 16, 8, 3).swapaxes(1, 2).reshape(-1, 8, 8, 3)
        return rng.permutation(tiles).reshape(16, 16, 8, 8, 3).swapaxes(1, 2).reshape(label.shape)

    return [shuffled(picture) for picture, _ in labels]


def locked(labels: Labels, drawings: Sequence[Pixels], rng: Generator) -> Callable[[Cell], Pixels]:
    """One label a seed, in other inks for each subject, with a small drawing in the middle."""

    def draw(cell: Cell) -> Pixels:
        changed = planted.inks(labels[SEEDS.index(cell.seed)][0], rng).copy()
        one = drawings[SUBJECTS.index(cell.subject)]
        changed[44:84, 44:84] = np.asarray(Image.fromarray(one).resize((40, 40), Image.Resampling.BOX))
        return changed

    return draw


def judged(
    path: Path, arms: dict[str, Callable[[Cell], Pixels]], shows_nothing: Sequence[str] = ()
) -> Verdict:
    """The verdict on a run of these arms, by recipe; the judge sees nothing in those of `shows_nothing`."""
    shown: dict[str, str] = {}

    def draw(cell: Cell) -> Pixels:
        picture = arms[cell.recipe.name](cell)
        if cell.recipe.name not in shows_nothing:
            shown[digest(picture)] = cell.subject
        return picture

    run = planted_run.plant(path, planted_run.design(*arms, subjects=SUBJECTS, seeds=SEEDS), draw)
    options = measuring.Options(
        training=EMBEDDED / "labels" / "train", held_out=EMBEDDED / "labels" / "held-out"
    )
    references = measuring.find_references(run.model, options)
    assert references.held_out is not None
    calibrating = references.held_out.pictures[RESERVED:]
    shown |= {digest(one.pixels()): one.subject or "" for one in calibrating}
    references = replace(
        references, held_out=dataset.Dataset(references.held_out.path, calibrating, problems=())
    )
    instruments = replace(measuring.load_instruments(run.model, options), judge=KnowingJudge(shown))
    return verdict.verdict(measure.measure(run, instruments, references))


@pytest.fixture(scope="module")
def flawed(
    tmp_path_factory: pytest.TempPathFactory, training: Labels, held_out: Labels, drawings: list[Pixels]
) -> Verdict:
    """Copies at scale 1, texture at 2, sandwich and edit without style, and a recipe that its seed rules."""
    rng = np.random.default_rng(7)
    copies = [
        planted.worn(planted.shift(picture, rng), rng)
        for picture, _ in training[: len(SUBJECTS) * len(SEEDS)]
    ]
    arms = {
        "baseline": dealt(drawings[:24]),
        "lora": dealt(noise(training[100:124], rng)),
        "sandwich": dealt(drawings[24:]),
        "style-prompt": dealt(copies),
        "edit": dealt([planted.hue(one, rng) for one in drawings[:24]]),
        "soft": dealt([picture for picture, _ in held_out[:24]]),
        "gated": locked(held_out[24:27], drawings, rng),
    }
    return judged(tmp_path_factory.mktemp("flawed"), arms, shows_nothing=["lora"])


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory, held_out: Labels, drawings: list[Pixels]) -> Verdict:
    """New pictures of the style by both recipes, each in one pass."""
    arms = {
        "baseline": dealt(drawings[:24]),
        "style-prompt": dealt([picture for picture, _ in held_out[:24]]),
        "lora": dealt([picture for picture, _ in held_out[24:RESERVED]]),
    }
    return judged(tmp_path_factory.mktemp("clean"), arms)


@pytest.mark.parametrize("name", PITFALLS)
def test_a_planted_pitfall_is_found(flawed: Verdict, name: str) -> None:
    finding = next(one for one in flawed.findings if one.name == name)
    assert finding.status == "found", finding.because


@pytest.mark.parametrize("name", PITFALLS)
def test_a_clean_run_raises_none(clean: Verdict, name: str) -> None:
    finding = next(one for one in clean.findings if one.name == name)
    assert finding.status == "cleared", finding.because


def test_the_flaw_is_laid_to_the_right_recipe(flawed: Verdict) -> None:
    blamed = {finding.name: finding.recipes for finding in flawed.findings}
    assert blamed["over-cooking"] == ("lora",)
    assert blamed["textbook-leakage"] == ("style-prompt",)
    assert "gated" in blamed["seed-collapse"]


def test_labels_carry_lettering_so_nothing_made_of_them_is_shipped(flawed: Verdict, clean: Verdict) -> None:
    for found in (flawed, clean):
        assert found.recommendation.recipe == "baseline"
        assert not {"style-prompt", "soft", "lora"} & set(found.recommendation.sound)
