"""Print texture: how much of a picture is flat, how much is edge, how hard the edges are, at three scales.

At each place the eight neighbours and the place itself span a range of OKLab; the feature says which share of
the places spans less than each of some thresholds. A print of few flat inks, filled with lettering, rays and
screens, has another distribution of these than a drawing alone on a plain ground, or a shaded one. Where in
the picture something stands does not count, so a frame as such earns nothing.

Measured and left out, since they tell held-out labels from drawings less well (AUROC, the worst and the best
of eight sets of drawings): bands of the radial power spectrum (0.61 to 0.97), the strongest mode of each ring
over its median, as a halftone would have it (0.47 to 0.60), orientations of edges (0.83 to 0.96, mostly
frames).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strikebox.extractors.oklab import Lab, small_square
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature

_SIDES = (64, 32, 16)
"""In pixels. Finer detail is left out: what an autoencoder blurs is no matter of style."""
_THRESHOLDS = (0.03, 0.06, 0.1, 0.16, 0.24, 0.32, 0.45)


class PrintTexture:
    """Shares of places by local contrast: float32 (21,), 0 to 1, rising within each scale."""

    name = "print-texture"
    version = "1"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        return [_feature(picture) for picture in pictures]


def _feature(picture: Pixels) -> Feature:
    spans = [np.sort(local_range(small_square(picture, side)), axis=None) for side in _SIDES]
    return np.array([np.searchsorted(s, t) / s.size for s in spans for t in _THRESHOLDS], np.float32)


def local_range(picture: Lab) -> NDArray[np.float32]:
    """Diagonal of the box in OKLab that each 3 x 3 neighbourhood fills: (height - 2, width - 2)."""
    highest, lowest = _over_3x3(np.maximum, picture), _over_3x3(np.minimum, picture)
    return np.sqrt(np.square(highest - lowest).sum(axis=-1))


def _over_3x3(extreme: np.ufunc, picture: Lab) -> Lab:
    rows = extreme(extreme(picture[:-2], picture[1:-1]), picture[2:])
    return extreme(extreme(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])
