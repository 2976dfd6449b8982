"""Texture noise is told from pictures, by what labels and drawings themselves never do.

Its pieces are up to an eighth of the side. Of coarser ones less is flagged: 62% of labels in tiles of 32 px.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.random import Generator
from PIL import Image
from scipy import ndimage

import strikebox
from strikebox.extractors.noise import Noise
from strikebox.generation.backend import Pixels
from strikebox.metrics.anatomy import Alarm, noise_alarm
from strikebox.metrics.features import Feature

Labels = list[tuple[Pixels, dict[str, Any]]]
Plant = Callable[[Pixels, Generator], Pixels]
DISTRACTORS = Path(strikebox.__file__).parent / "embedded" / "distractors"
FLAGGED, FALSE_ALARMS = 0.95, 0.05


def shuffled(tile: int) -> Plant:
    """Square tiles of a label, of so many pixels, each somewhere else."""

    def plant(label: Pixels, rng: Generator) -> Pixels:
        side = len(label) // tile
        tiles = label.reshape(side, tile, side, tile, 3).swapaxes(1, 2).reshape(-1, tile, tile, 3)
        mixed = rng.permutation(tiles).reshape(side, side, tile, tile, 3)
        return mixed.swapaxes(1, 2).reshape(label.shape)

    return plant


def texture(grain: float) -> Plant:
    """Coloured noise of high contrast, its grain so many pixels wide."""

    def plant(label: Pixels, rng: Generator) -> Pixels:
        soft = ndimage.gaussian_filter(rng.normal(size=label.shape), (grain, grain, 0))
        return (np.clip(1.5 * soft / soft.std(), -1, 1) * 127 + 128).astype(np.uint8)

    return plant


def mixed(grain: float, share: float) -> Plant:
    """A label under so much of such texture."""

    def plant(label: Pixels, rng: Generator) -> Pixels:
        return (label * (1 - share) + texture(grain)(label, rng) * share).astype(np.uint8)

    return plant


PLANTS: dict[str, Plant] = {
    **{f"tiles of {tile} px shuffled": shuffled(tile) for tile in (4, 8, 16)},
    **{f"texture of {grain} px": texture(grain) for grain in (0.5, 1, 2, 3)},
    **{f"texture of {grain} px over a label": mixed(grain, 0.5) for grain in (0.5, 1, 2, 3)},
}


@pytest.fixture(scope="module")
def drawings() -> Feature:
    rows = [json.loads(line) for line in (DISTRACTORS / "metadata.jsonl").read_text("utf-8").splitlines()]
    return look([np.asarray(Image.open(DISTRACTORS / row["file_name"]).convert("RGB")) for row in rows])


@pytest.fixture(scope="module")
def labels(training: Labels, held_out: Labels) -> tuple[Feature, Feature]:
    """Training and held-out ones."""
    return look([picture for picture, _ in training]), look([picture for picture, _ in held_out])


def look(pictures: Sequence[Pixels]) -> Feature:
    return np.stack(Noise()(pictures))


def alarm_of(held_out: Feature, drawings: Feature) -> Alarm:
    """Drawings stand in the place of the base model's pictures."""
    alarm = noise_alarm({"held-out": held_out, "base": drawings})
    assert alarm is not None
    return alarm


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS.keys())
def test_planted_noise_is_flagged(
    plant: Plant, labels: tuple[Feature, Feature], drawings: Feature, training: Labels, full: bool
) -> None:
    rng, some = np.random.default_rng(0), training if full else training[::6]
    planted = look([plant(label, rng) for label, _ in some])
    assert alarm_of(labels[1], drawings)(planted).mean() >= FLAGGED


def test_labels_and_drawings_are_not(labels: tuple[Feature, Feature], drawings: Feature) -> None:
    """Each kind against references of its kind that do not hold it, over many ways to divide the drawings."""
    rng, false = np.random.default_rng(1), []
    for _ in range(50):
        order = rng.permutation(len(drawings))
        alarm = alarm_of(labels[1], drawings[order[:96]])
        false.append((alarm(labels[0]).mean(), alarm(drawings[order[96:]]).mean()))
        assert all(share <= FALSE_ALARMS for share in alarm.expected.values())
    assert (np.mean(false, axis=0) <= FALSE_ALARMS).all(), np.mean(false, axis=0)
