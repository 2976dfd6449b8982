"""A picture and the training picture that it repeats, laid over each other."""

import numpy as np
from numpy.typing import NDArray

from strikebox.generation.backend import Pixels
from strikebox.metrics.matches import Placement

Plane = NDArray[np.float64]

_LIGHTNESS = (0.2126, 0.7152, 0.0722)


def overlay(generated: Pixels, training: Pixels, placement: Placement) -> Pixels:
    """The generated picture in red and the training picture, placed on it, in cyan: grey where they agree.

    The central square of the generated picture, uint8 (side, side, 3). White where the training picture does
    not reach.
    """
    made = _grey(_square(generated))
    original = _grey(_square(training))
    if placement.mirrored:
        original = original[:, ::-1]
    laid = _sampled(original, placement, len(made))
    return np.stack([made, laid, laid], axis=-1).round().astype(np.uint8)


def _square(pixels: Pixels) -> Pixels:
    height, width = pixels.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) // 2, (width - edge) // 2
    return pixels[top : top + edge, left : left + edge]


def _grey(pixels: Pixels) -> Plane:
    return pixels.astype(np.float64) @ np.array(_LIGHTNESS)


def _sampled(plane: Plane, placement: Placement, side: int) -> Plane:
    """The part of `plane` that the generated picture covers, as side x side, bilinear."""
    steps = (np.arange(side) + 0.5) / side * placement.scale
    rows, columns = ((start + steps) * len(plane) - 0.5 for start in (placement.top, placement.left))
    inside = np.outer(*((at >= -0.5) & (at <= len(plane) - 0.5) for at in (rows, columns)))
    values = _weights(rows, len(plane)) @ plane @ _weights(columns, len(plane)).T
    return np.where(inside, values, 255.0)


def _weights(at: Plane, length: int) -> Plane:
    """Of each of `length` pixels at each place: (places, length)."""
    near = at.clip(0, length - 1)
    return np.maximum(0, 1 - np.abs(near[:, None] - np.arange(length)))
