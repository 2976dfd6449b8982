"""The thumbnail: where lines run in a small picture and in which direction, whatever its colours.

Structure tensor over the three channels (Di Zenzo, "A note on the gradient of a multi-image", 1986), so that
inks of equal lightness meet in a line too and light may change places with dark. A line counts by how it
stands out in its neighbourhood, and no further than that: a faint one counts nearly as much as a strong one.
`metrics/alignment.py` lays such thumbnails over each other.
"""

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from strikebox.extractors.views import square
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature

_SIDE, _DIRECTIONS = 48, 4
_BLUR = 1.3  # px of the thumbnail: noise, print screens and JPEG are finer, and it forgives half a pixel
_NEIGHBOURHOOD = 17  # px; odd, so that a mirrored picture has the mirrored lines
_QUIET = 0.02  # change per pixel below which nothing counts as a line, of a range of 1


@final
class Thumbnail:
    """Strength of lines by place and direction, of the central square: float32 (48, 48, 4), 0 to 1.

    Directions are those of the gradient, a quarter of a half-turn apart, the first along the rows.
    """

    name = "thumbnail"
    version = "1"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        return [_lines(_small(picture)) for picture in pictures]


def _small(picture: Pixels) -> NDArray[np.float32]:
    """The central square, float32 (48, 48, 3), 0 to 1."""
    small = square(picture, _SIDE, resample=Image.Resampling.HAMMING)
    return np.asarray(ndimage.gaussian_filter(small / np.float32(255), (_BLUR, _BLUR, 0)), np.float32)


def _lines(picture: NDArray[np.float32]) -> Feature:
    down, across = np.gradient(picture, axis=(0, 1))
    along_rows, along_columns = np.square(across).sum(axis=-1), np.square(down).sum(axis=-1)
    strength = np.sqrt(along_rows + along_columns)
    turn = 0.5 * np.arctan2(2 * (across * down).sum(axis=-1), along_rows - along_columns)
    around = ndimage.uniform_filter(strength, _NEIGHBOURHOOD)
    directions = np.arange(_DIRECTIONS) * np.pi / _DIRECTIONS
    share = np.maximum(0, np.cos(2 * (turn[..., None] - directions))) ** 3
    return (share * (strength / (strength + around + _QUIET))[..., None]).astype(np.float32)
