"""Collapse: one composition in other colours and with other subjects is flagged, diverse sets are not."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from PIL import Image

import strikebox
from strikebox.extractors.composition import Composition
from strikebox.generation.backend import Pixels
from strikebox.metrics import collapse
from strikebox.metrics.collapse import Alike, alike, collapsed
from strikebox.metrics.features import Feature

Rows = list[tuple[Pixels, dict[str, Any]]]

DRAWINGS = Path(strikebox.__file__).parent / "embedded" / "distractors"
COMPOSITION = Composition()
SUBJECTS = np.repeat(np.arange(5), 3)
SEEDS = np.tile(np.arange(3), 5)


@dataclass(frozen=True, slots=True)
class World:
    """Pictures with their features, and the two ends that an arm is compared with."""

    drawings: list[Pixels]
    drawn: Feature
    labels: list[Pixels]
    labelled: Feature  # of the held-out labels
    base: Alike
    style: Alike


@pytest.fixture(scope="module")
def world(training: Rows, held_out: Rows) -> World:
    """The base model is played by one set of drawings, the style by held-out labels."""
    rows = [json.loads(line) for line in (DRAWINGS / "metadata.jsonl").read_text("utf-8").splitlines()]
    drawings = [np.asarray(Image.open(DRAWINGS / row["file_name"]).convert("RGB")) for row in rows]
    drawn = np.stack(COMPOSITION(drawings))
    one_set = np.array([row["set"] == "noto" for row in rows])
    labelled = np.stack(COMPOSITION([picture for picture, _ in held_out]))
    names = [row["subject"] for _, row in held_out]
    base = alike(drawn[one_set], np.arange(one_set.sum()))
    style = alike(labelled, [names.index(name) for name in names])
    assert base is not None
    assert style is not None
    return World(drawings, drawn, [picture for picture, _ in training], labelled, base, style)


def flagged(features: Feature, world: World) -> bool:
    arm = alike(features, SUBJECTS, SEEDS)
    assert arm is not None
    return collapsed(arm, world.base, world.style) is True


def recoloured(picture: Pixels, rng: Generator) -> Pixels:
    """Each of six inks in the place of another: light and dark may change places."""
    flat = Image.fromarray(picture).quantize(6, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    inks = np.array(flat.getpalette(), np.uint8).reshape(-1, 3)[:6]
    return inks[rng.permutation(len(inks))][np.asarray(flat)]


def with_subject(picture: Pixels, drawing: Pixels) -> Pixels:
    """The drawing pasted into the middle, on its own ground."""
    changed = picture.copy()
    changed[36:92, 36:92] = np.asarray(Image.fromarray(drawing).resize((56, 56), Image.Resampling.BOX))
    return changed


def planted(label: Pixels, world: World, rng: Generator) -> list[Pixels]:
    """An arm of 15 pictures that are all one label, in other colours and with another subject each."""
    chosen = rng.permutation(len(world.drawings))[: len(SUBJECTS)]
    return [with_subject(recoloured(label, rng), world.drawings[i]) for i in chosen]


def test_one_composition_in_other_colours_and_with_other_subjects_is_flagged(
    world: World, full: bool
) -> None:
    rng = np.random.default_rng(0)
    arms = 200 if full else 20
    found = [
        flagged(np.stack(COMPOSITION(planted(world.labels[rng.integers(300)], world, rng))), world)
        for _ in range(arms)
    ]
    assert np.mean(found) >= 0.98


@pytest.mark.parametrize("kind", ["labelled", "drawn"])
def test_diverse_sets_are_not(world: World, full: bool, kind: str) -> None:
    """Arms of 15 held-out labels, or of 15 drawings, drawn at random: 2.5% is nominal."""
    rng, pictures = np.random.default_rng(1), getattr(world, kind)
    arms = 2_000 if full else 300
    found = [flagged(pictures[rng.permutation(len(pictures))[:15]], world) for _ in range(arms)]
    assert np.mean(found) <= 0.025


def test_the_effective_number_of_pictures_falls(world: World) -> None:
    rng = np.random.default_rng(2)
    one = np.stack(COMPOSITION(planted(world.labels[11], world, rng)))
    expected = collapse.expected_effective_pictures(world.labelled, 15, rng)
    assert collapse.effective_pictures(one) < 2.2
    assert expected > 3
    assert collapse.expected_effective_pictures(world.drawn, 15, rng) > expected


def test_one_composition_a_seed_is_a_seed_lock(world: World, full: bool) -> None:
    rng = np.random.default_rng(3)
    ps = []
    for _ in range(200 if full else 20):
        layouts = [world.labels[i] for i in rng.permutation(300)[:3]]
        chosen = rng.permutation(len(world.drawings))[:15]
        arm = [
            with_subject(recoloured(layouts[seed], rng), world.drawings[i])
            for seed, i in zip(SEEDS, chosen, strict=True)
        ]
        lock = collapse.seed_lock(np.stack(COMPOSITION(arm)), SUBJECTS, SEEDS, rng)
        assert lock is not None
        ps.append(lock.p)
    assert np.mean(np.array(ps) < 0.01) >= 0.95


def test_pictures_that_no_seed_rules_are_no_seed_lock(world: World, full: bool) -> None:
    rng = np.random.default_rng(4)
    arms = 500 if full else 100
    ps = []
    for _ in range(arms):
        lock = collapse.seed_lock(world.labelled[rng.permutation(120)[:15]], SUBJECTS, SEEDS, rng)
        assert lock is not None
        ps.append(lock.p)
    assert np.mean(np.array(ps) <= 0.05) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / arms)
