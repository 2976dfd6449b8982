"""Noise: does a picture hang together, or is it texture?

Three figures, of the whole picture at 128 x 128. Texture noise has more fine detail than pictures, or is cut
into smaller pieces, or is the same everywhere, so that what is beside what tells nothing. Which values are
too much is for references to say: `metrics.anatomy`. Noise in pieces of more than an eighth of the side
passes for a picture the more often the larger they are.
"""

from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from strikebox.extractors.oklab import Lab, oklab
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature

_SIDE = 128
_FINE = 0.15  # cycles per pixel from which detail counts as fine: waves of under 7 px
_COLOURS = 4
_LARGEST = 3  # segments
_TILES = 8  # a side
_BLANK = 1e-9  # of variance, which keeps blank pictures from a division by zero


class Noise:
    """float32 (3,), each higher the more a picture looks like noise: fine detail, fragments, disorder.

    Fine detail: share of the power spectrum of lightness above 0.15 cycles per pixel. Fragments: share of the
    area outside the three largest segments, a segment being connected pixels of one colour out of four.
    Disorder: minus the correlation of neighbouring tiles, 8 x 8 of them, in mean and spread of their colours
    (Moran's I): near 0 where tiles could change places, near -1 where all changes are slow.
    """

    name = "noise"
    version = "1"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        return [_feature(picture) for picture in pictures]


def _feature(picture: Pixels) -> Feature:
    image = Image.fromarray(picture).resize((_SIDE, _SIDE), Image.Resampling.BOX)
    lab = oklab(np.asarray(image))
    return np.array([fine_detail(lab[..., 0]), fragments(image), disorder(lab)], np.float32)


def fine_detail(lightness: NDArray[np.floating]) -> float:
    """Share of the power above 0.15 cycles per pixel, 0 to 1; the mean does not count, nor do the edges."""
    fade = np.hanning(len(lightness) + 2)[1:-1]
    power = np.square(np.abs(np.fft.fft2((lightness - lightness.mean()) * np.outer(fade, fade))))
    frequency = np.hypot(*np.meshgrid(*[np.fft.fftfreq(side) for side in lightness.shape]))
    return float(power[frequency > _FINE].sum() / (power.sum() + _BLANK))


def fragments(image: Image.Image) -> float:
    """Share of the area outside the three largest segments, 0 to 1."""
    flat = np.asarray(image.quantize(_COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE))
    sizes = np.concatenate([_segments(flat == colour) for colour in np.unique(flat)])
    return 1 - float(np.sort(sizes)[-_LARGEST:].sum()) / flat.size


def disorder(picture: Lab) -> float:
    """Minus Moran's I over tiles that share an edge: -1 to 1, and 0 for a blank picture."""
    edge = len(picture) // _TILES
    tiles = picture.reshape(_TILES, edge, _TILES, edge, 3)
    values = np.concatenate([tiles.mean(axis=(1, 3)), tiles.std(axis=(1, 3))], axis=-1)
    values = values - values.mean(axis=(0, 1))
    beside = (values[1:] * values[:-1]).sum(-1).mean() + (values[:, 1:] * values[:, :-1]).sum(-1).mean()
    return -float(beside / 2 / (np.square(values).sum(-1).mean() + _BLANK))


def _segments(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Areas of the connected parts, in pixels."""
    labels, _ = cast("tuple[NDArray[np.int32], int]", ndimage.label(mask))
    return np.bincount(labels.ravel())[1:]
