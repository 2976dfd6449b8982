"""Planted edits: what may be done to a copy of a picture while it stays a copy.

Each edit takes a picture (uint8, height x width x 3) and a generator, and returns one of the same size.
"""

import io
from collections.abc import Callable

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from strikebox.generation.backend import Pixels

Edit = Callable[[Pixels, Generator], Pixels]

_INKS = 6


def crop(pixels: Pixels, rng: Generator) -> Pixels:
    """Cut 10 to 25% off each side length, somewhere, and enlarge what is left."""
    height, width = pixels.shape[:2]
    kept = rng.uniform(0.75, 0.90)
    top, left = rng.uniform(0, (1 - kept) * height), rng.uniform(0, (1 - kept) * width)
    box = (left, top, left + kept * width, top + kept * height)
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC, box=box))


def shift(pixels: Pixels, rng: Generator) -> Pixels:
    """Move by 5 to 12% of each side, either way; what comes in has the colour of the border."""
    paper = np.median(np.concatenate([pixels[0], pixels[-1]]), axis=0)
    ways = [round(side * rng.uniform(0.05, 0.12)) * rng.choice([-1, 1]) for side in pixels.shape[:2]]
    moved = [ndimage.shift(pixels[..., c], ways, order=0, cval=paper[c]) for c in range(3)]
    return np.stack(moved, axis=-1).astype(np.uint8)


def flip(pixels: Pixels, rng: Generator) -> Pixels:
    """Left becomes right."""
    return np.ascontiguousarray(pixels[:, ::-1])


def hue(pixels: Pixels, rng: Generator) -> Pixels:
    """Turn every hue by 60 to 300 degrees."""
    bands = Image.fromarray(pixels).convert("HSV").split()
    turned = Image.fromarray(np.asarray(bands[0]) + np.uint8(rng.integers(43, 214)))
    return np.asarray(Image.merge("HSV", (turned, *bands[1:])).convert("RGB"))


def inks(pixels: Pixels, rng: Generator) -> Pixels:
    """Print it with its own inks, each in the place of another: light and dark may change places."""
    flat = Image.fromarray(pixels).quantize(_INKS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    which = np.asarray(flat)
    palette = np.array([pixels[which == ink].mean(axis=0) for ink in np.unique(which)]).astype(np.uint8)
    return rng.permutation(palette)[np.unique(which, return_inverse=True)[1].reshape(which.shape)]


def jpeg(pixels: Pixels, rng: Generator) -> Pixels:
    """JPEG at quality 30."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=30)
    return np.asarray(Image.open(buffer).convert("RGB"))


def halftone(pixels: Pixels, rng: Generator) -> Pixels:
    """A screen of dots of 3 to 5 pixels, one angle a channel, as a cheap press prints."""
    pitch = rng.uniform(3, 5)
    y, x = np.mgrid[: pixels.shape[0], : pixels.shape[1]]
    printed = [
        pixels[..., c] / 255 + 0.8 * _screen(x, y, pitch, np.deg2rad(angle))
        for c, angle in enumerate((15, 45, 75))
    ]
    return _bytes(ndimage.gaussian_filter(np.stack(printed, -1).clip(0, 1), (0.5, 0.5, 0)))


def worn(pixels: Pixels, rng: Generator) -> Pixels:
    """Blur and noise, like a round trip through a poor autoencoder."""
    blur = rng.uniform(1.0, 1.8)
    soft = ndimage.gaussian_filter(pixels / 255, (blur, blur, 0))
    return _bytes(soft + rng.normal(0, 0.06, soft.shape))


EDITS: dict[str, Edit] = {
    edit.__name__: edit for edit in (crop, shift, flip, hue, inks, jpeg, halftone, worn)
}


def _screen(x: NDArray, y: NDArray, pitch: float, angle: float) -> NDArray[np.float64]:
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return (np.cos(2 * np.pi * u / pitch) + np.cos(2 * np.pi * v / pitch)) / 4


def _bytes(picture: NDArray[np.float64]) -> Pixels:
    return np.round(picture.clip(0, 1) * 255).astype(np.uint8)
