"""A printing press in miniature: flat inks on paper, laid down mask by mask, one of them out of register.

Everything is printed at four times the size, hard-edged, and averaged down once at the end: a label holds its
inks and their mixtures along edges, and nothing else. Coordinates are label pixels, from 0 to 128.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

SIDE = 128
SCALE = 4
FULL = SIDE * SCALE

Mask: TypeAlias = npt.NDArray[np.bool_]
"""(512, 512), True where ink goes."""
Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom."""
Rgb: TypeAlias = tuple[int, int, int]


class Sheet:
    """A sheet of paper in the press. Ink 0 is the paper itself; a later ink covers an earlier one."""

    def __init__(self, inks: Sequence[Rgb], loose: int, slip: tuple[float, float]) -> None:
        """`loose` is the ink whose plate sits `slip` label pixels off."""
        self._inks = np.asarray(inks, dtype=np.float64)
        self._loose = loose
        self._slip = (round(slip[0] * SCALE), round(slip[1] * SCALE))
        self._printed = np.zeros((FULL, FULL), dtype=np.uint8)

    def print(self, ink: int, mask: Mask, within: Mask | None = None) -> None:
        """Lays ink down where `mask` is; `within` clips after the plate has slipped."""
        if ink == self._loose:
            mask = shifted(mask, *self._slip)
        self._printed[mask if within is None else mask & within] = ink

    def develop(self) -> Image.Image:
        """The sheet at 128 px, RGB. Edge mixtures are rounded to quarters, which keeps the colours few."""
        shares = [self._share(ink) for ink in range(len(self._inks))]
        mixture = np.round(np.stack(shares, axis=-1) * 4)
        total = mixture.sum(axis=-1, keepdims=True)
        blank = total[..., 0] == 0
        mixture[blank, np.argmax(np.stack(shares, axis=-1)[blank], axis=-1)] = 1
        mixture /= mixture.sum(axis=-1, keepdims=True)
        return Image.fromarray(np.round(mixture @ self._inks).astype(np.uint8))

    def _share(self, ink: int) -> npt.NDArray[np.float64]:
        return (self._printed == ink).reshape(SIDE, SCALE, SIDE, SCALE).mean(axis=(1, 3))


def shifted(mask: Mask, dx: int, dy: int) -> Mask:
    """A mask moved by whole full-size pixels; what comes in from outside repeats the border."""
    ys = np.clip(np.arange(FULL) - dy, 0, FULL - 1)
    xs = np.clip(np.arange(FULL) - dx, 0, FULL - 1)
    return mask[np.ix_(ys, xs)]


def rectangle(box: Box, radius: float = 0) -> Mask:
    """A filled rectangle, its corners rounded by `radius`."""
    image, draw = _blank()
    left, top, right, bottom = (value * SCALE for value in box)
    draw.rounded_rectangle((left, top, right - 1, bottom - 1), radius * SCALE, fill=1)
    return np.asarray(image)


def ellipse(box: Box) -> Mask:
    """A filled ellipse inscribed in `box`."""
    image, draw = _blank()
    draw.ellipse(tuple(value * SCALE for value in box), fill=1)
    return np.asarray(image)


def disc(x: float, y: float, radius: float) -> Mask:
    """A filled circle."""
    return ellipse((x - radius, y - radius, x + radius, y + radius))


def polygon(points: Sequence[tuple[float, float]]) -> Mask:
    """A filled polygon."""
    image, draw = _blank()
    draw.polygon([(x * SCALE, y * SCALE) for x, y in points], fill=1)
    return np.asarray(image)


def star(x: float, y: float, radius: float, points: int = 5) -> Mask:
    """A star that stands on two points."""
    corners = []
    for k in range(2 * points):
        angle = math.pi * k / points - math.pi / 2
        reach = radius if k % 2 == 0 else radius * 0.42
        corners.append((x + reach * math.cos(angle), y + reach * math.sin(angle)))
    return polygon(corners)


def rotated_square(x: float, y: float, reach: float) -> Mask:
    """A square on its point; `reach` is half its diagonal."""
    return polygon([(x, y - reach), (x + reach, y), (x, y + reach), (x - reach, y)])


def rays(x: float, y: float, count: int, phase: float) -> Mask:
    """A sunburst: `count` rays as wide as the gaps between them, turned by `phase` in rays."""
    xs, ys = grid()
    turn = np.arctan2(ys - y, xs - x) / (2 * math.pi)
    return (turn * count + phase) % 1 < 0.5


def halftone(tone: npt.NDArray[np.float64], pitch: float, angle: float) -> Mask:
    """Round dots on a turned square grid; `tone` (512, 512) in [0, 1] is roughly the share of ink."""
    xs, ys = grid()
    u = (xs * math.cos(angle) + ys * math.sin(angle)) * 2 * math.pi / pitch
    v = (ys * math.cos(angle) - xs * math.sin(angle)) * 2 * math.pi / pitch
    return (np.cos(u) + np.cos(v)) / 4 + 0.5 > 1 - tone


def grid() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """x and y of every full-size pixel's centre in label pixels, each (512, 512)."""
    line = (np.arange(FULL) + 0.5) / SCALE
    xs, ys = np.meshgrid(line, line)
    return xs, ys


def _blank() -> tuple[Image.Image, ImageDraw.ImageDraw]:
    image = Image.new("1", (FULL, FULL))
    return image, ImageDraw.Draw(image)
