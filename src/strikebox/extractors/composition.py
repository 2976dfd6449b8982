"""Composition: where in a picture light, colour and edges are, hardly what they show.

`Tones` is 8 x 8 OKLab, tone and all: the lowest frequencies, which cross a handoff first.

`Composition` puts two parts together: that thumbnail less its mean tone, and histograms of edge orientations
in 8 x 8 cells (Dalal and Triggs, "Histograms of oriented gradients for human detection", CVPR 2005), of the
strongest of the three OKLab gradients at each place, each cell divided by the energy of its neighbourhood.
That division makes weak edges count like strong ones, so a picture printed again in other colours stays near
itself.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strikebox.extractors.oklab import Lab, small
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature

Plane = NDArray[np.floating]  # (height, width)

_SIDE, _CELLS, _BINS = 64, 8, 6
_QUIET = 0.02  # mean gradient of OKLab per pixel below which a neighbourhood counts as empty
_THUMBNAIL_WEIGHT = 2.0


class Tones:
    """8 x 8 means in OKLab: float32 (192,), a and b doubled as in the palette."""

    name = "tones"
    version = "1"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        scale = np.array([1, 2, 2], np.float32)
        return [(small(picture, _CELLS) * scale).ravel() for picture in pictures]


class Composition:
    """A unit vector a picture, float32 (577,): cosine 1 for equal compositions, near 0 for unlike ones."""

    name = "composition"
    version = "1"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        return [_feature(picture) for picture in pictures]


def _feature(picture: Pixels) -> Feature:
    lab = small(picture, _SIDE)
    thumbnail = lab.reshape(_CELLS, _SIDE // _CELLS, _CELLS, _SIDE // _CELLS, 3).mean(axis=(1, 3))
    tones = _THUMBNAIL_WEIGHT * (thumbnail - thumbnail.mean(axis=(0, 1)))
    edges = oriented_edges(lab)
    # The 1 makes blank pictures agree with each other and with nothing else.
    parts = np.concatenate([tones.ravel(), (edges - edges.mean()).ravel(), [1.0]])
    return (parts / np.linalg.norm(parts)).astype(np.float32)


def oriented_edges(picture: Lab) -> NDArray[np.float32]:
    """Edge strength by cell and orientation, (8, 8, 6), for a picture of 64 x 64; 0 where nothing is."""
    across, down = _strongest_gradient(picture)
    strength = np.hypot(across, down)
    turn = np.arctan2(down, across) % np.pi / np.pi * _BINS
    cells = np.stack([_cell_means(strength * _share(turn, which)) for which in range(_BINS)], axis=-1)
    energy = _neighbourhood_means(np.square(cells).sum(axis=-1))
    return (cells / np.sqrt(energy + _QUIET**2)[..., None]).astype(np.float32)


def _strongest_gradient(picture: Lab) -> tuple[Plane, Plane]:
    down, across = np.gradient(picture, axis=(0, 1))
    strongest = (across**2 + down**2).argmax(axis=-1)[..., None]
    across, down = (np.take_along_axis(part, strongest, axis=-1)[..., 0] for part in (across, down))
    return across, down


def _share(turn: Plane, which: int) -> Plane:
    """How much of an edge at `turn` (0 to 6, round and round) belongs to bin `which`: 1 there, 0 one away."""
    away = np.abs(turn - which)
    return np.maximum(0, 1 - np.minimum(away, _BINS - away))


def _cell_means(values: Plane) -> Plane:
    return values.reshape(_CELLS, _SIDE // _CELLS, _CELLS, _SIDE // _CELLS).mean(axis=(1, 3))


def _neighbourhood_means(cells: Plane) -> Plane:
    """Mean over each cell and its eight neighbours; those beyond the border repeat it."""
    wide = np.pad(cells, 1, mode="edge")
    shifted = [wide[r : r + _CELLS, c : c + _CELLS] for r in range(3) for c in range(3)]
    return np.mean(shifted, axis=0)
