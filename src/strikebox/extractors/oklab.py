"""Pictures of any size as small arrays of OKLab: what the numeric extractors look at.

OKLab of Ottosson, "A perceptual color space for image processing" (2020): L from 0 (black) to 1 (white), a
and b about -0.4 to 0.4, and near colours look alike.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from strikebox.generation.backend import Pixels

Lab = NDArray[np.float32]  # (height, width, 3)

_CODES = np.arange(256) / 255
_LINEAR = np.where(_CODES <= 0.04045, _CODES / 12.92, ((_CODES + 0.055) / 1.055) ** 2.4).astype(np.float32)
TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ],
    np.float32,
)
TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ],
    np.float32,
)


def oklab(pixels: Pixels) -> Lab:
    """uint8 sRGB (height, width, 3) to OKLab, in the same shape."""
    return np.cbrt(_LINEAR[pixels] @ TO_LMS.T) @ TO_LAB.T


def small(pixels: Pixels, side: int) -> Lab:
    """The whole picture as `side` x `side`, whatever its shape: each value is the mean of what it covers."""
    return oklab(_resized(pixels, side))


def small_square(pixels: Pixels, side: int) -> Lab:
    """The central square of the picture as `side` x `side`, so that nothing is stretched."""
    height, width = pixels.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return oklab(_resized(pixels[top : top + edge, left : left + edge], side))


def _resized(pixels: Pixels, side: int) -> Pixels:
    if pixels.shape[:2] == (side, side):
        return pixels
    return np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BOX))
