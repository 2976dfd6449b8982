"""Palette: which colours a picture holds and how much of each, wherever they are.

The pixels of a picture are a cloud in OKLab. Along each of 16 directions the cloud has a distribution, kept
as the means of 16 equal shares of it, in order. The Euclidean distance between two such features is, but for
what happens within a share, the sliced Wasserstein distance W2 of the clouds (Bonneel, Rabin, Peyre and
Pfister, "Sliced and Radon Wasserstein barycenters of measures", 2015): how far colours must move for one
picture to take the palette of the other.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strikebox.extractors.oklab import small
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature

_SIDE = 48
_DIRECTIONS, _SHARES = 16, 16
_SCALE = (1.0, 2.0, 2.0)
"""Of L, a and b. Pictures differ far more in lightness than in hue: with equal weights labels printed in grey
are told from coloured ones at an AUROC of 0.71, with these at 0.93."""


class Palette:
    """OKLab colours as a sliced distribution: float32 (256,), in units of OKLab, a and b doubled."""

    name = "palette"
    version = "1"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        directions = (half_sphere(_DIRECTIONS) * _SCALE).astype(np.float32)
        return [_feature(picture, directions) for picture in pictures]


def _feature(picture: Pixels, directions: NDArray[np.float32]) -> Feature:
    colours = small(picture, _SIDE).reshape(-1, 3)
    in_order = np.sort(directions @ colours.T, axis=1)
    shares = in_order.reshape(_DIRECTIONS, _SHARES, -1).mean(axis=2)
    return (shares / np.sqrt(shares.size)).astype(np.float32).ravel()


def half_sphere(count: int) -> NDArray[np.float64]:
    """`count` unit vectors (count, 3) spread evenly over half a sphere by a golden spiral."""
    steps = np.arange(count) + 0.5
    along = 1 - steps / count
    around = np.pi * (1 + np.sqrt(5)) * steps
    across = np.sqrt(1 - along**2)
    return np.stack([along, across * np.cos(around), across * np.sin(around)], axis=1)
