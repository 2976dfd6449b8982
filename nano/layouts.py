"""What stands behind the subject of a label, and what frames it. Each function prints on a sheet."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from press import SIDE, Box, Mask, Sheet, disc, grid, halftone, polygon, rays, rectangle, rotated_square, star

PAPER, KEY = 0, 1
"""Ink numbers that every palette has: the paper and the dark ink of lines and lettering."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """The picture area of a label."""

    box: Box
    mask: Mask
    """(512, 512), where a background may print."""
    ground: int
    """Ink of the background."""
    second: int
    """Ink of whatever stands out from the ground."""
    pitch: float
    """Halftone pitch in label pixels."""

    @property
    def x(self) -> float:
        """Horizontal middle."""
        return (self.box[0] + self.box[2]) / 2

    @property
    def y(self) -> float:
        """Vertical middle."""
        return (self.box[1] + self.box[3]) / 2

    @property
    def height(self) -> float:
        """In label pixels."""
        return self.box[3] - self.box[1]


Layout: TypeAlias = Callable[[Sheet, Panel, random.Random], None]


def _fade(panel: Panel, low: float, high: float) -> np.ndarray:
    """A vertical gradient of tone from `low` at the top of the panel to `high` at its bottom."""
    _, ys = grid()
    return np.clip(low + (high - low) * (ys - panel.box[1]) / panel.height, 0, 1)


def _flat(sheet: Sheet, panel: Panel) -> None:
    sheet.print(panel.ground, panel.mask)


def _sunburst(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    y = panel.y + rng.choice((0.0, 0.0, panel.height * 0.3))
    sheet.print(panel.second, rays(panel.x, y, rng.choice((12, 14, 16, 18)), rng.random()), panel.mask)


def _sun(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    radius = panel.height * rng.uniform(0.40, 0.46)
    sheet.print(PAPER, disc(panel.x, panel.y, radius + 2.5), panel.mask)
    sheet.print(panel.second, disc(panel.x, panel.y, radius), panel.mask)


def _halo(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    radius = panel.height * 0.34
    spokes = rays(panel.x, panel.y, rng.choice((20, 24, 28)), rng.random())
    sheet.print(panel.second, spokes & ~disc(panel.x, panel.y, radius + 5), panel.mask)
    sheet.print(panel.second, disc(panel.x, panel.y, radius), panel.mask)


def _rings(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    step = rng.choice((8, 9, 10))
    y = panel.y + rng.choice((0.0, panel.height * 0.45))
    for k in range(9, 0, -1):
        sheet.print(panel.second if k % 2 else panel.ground, disc(panel.x, y, k * step), panel.mask)


def _dots(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    tone = _fade(panel, *rng.choice(((0.0, 0.75), (0.7, 0.05))))
    sheet.print(panel.second, halftone(tone, panel.pitch, rng.choice((0.4, math.pi / 4))), panel.mask)


def _glow(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    xs, ys = grid()
    away = np.hypot(xs - panel.x, ys - panel.y) / (panel.height * 0.72)
    sheet.print(panel.second, halftone(np.clip(1.05 - away, 0, 0.9), panel.pitch, math.pi / 4), panel.mask)


def _horizon(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    line = panel.box[1] + panel.height * rng.uniform(0.60, 0.70)
    side = rng.choice((-1, 1)) * panel.height * 0.26
    radius = panel.height * 0.34
    sheet.print(PAPER, rays(panel.x + side, line, 22, rng.random()), panel.mask)
    sheet.print(panel.ground, disc(panel.x + side, line, radius + 3), panel.mask)
    sheet.print(PAPER, disc(panel.x + side, line, radius), panel.mask)
    sheet.print(panel.second, rectangle((0, line, SIDE, SIDE)), panel.mask)
    sheet.print(KEY, rectangle((0, line, SIDE, line + 1.25)), panel.mask)


def _hills(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    left = rng.choice((True, False))
    x = panel.box[0] + (24 if left else panel.box[2] - panel.box[0] - 24)
    sheet.print(PAPER, disc(x, panel.box[1] + 20, 11), panel.mask)
    bottom = panel.box[3]
    wide = panel.height * 0.9
    sheet.print(KEY, disc(panel.x + (34 if left else -34), bottom + wide * 0.62, wide + 2), panel.mask)
    sheet.print(PAPER, disc(panel.x + (34 if left else -34), bottom + wide * 0.62, wide), panel.mask)
    sheet.print(KEY, disc(panel.x - (30 if left else -30), bottom + wide * 0.70, wide + 2), panel.mask)
    sheet.print(panel.second, disc(panel.x - (30 if left else -30), bottom + wide * 0.70, wide), panel.mask)


def _waves(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    start = panel.box[1] + panel.height * rng.uniform(0.5, 0.6)
    wide = rng.choice((16, 18, 20))
    for row in range(int((panel.box[3] - start) / 9) + 1):
        y, ink = start + row * 9, panel.second if row % 2 == 0 else PAPER
        offset = wide / 2 * (row % 2) + rng.choice((0, 0, 2))
        crests = [disc(x + offset, y + 8, wide / 2 + 0.5) for x in range(-wide, SIDE + wide, wide)]
        sheet.print(ink, np.logical_or.reduce(crests) | rectangle((0, y + 8, SIDE, y + 24)), panel.mask)


def _stripes(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    xs, ys = grid()
    slope = rng.choice((-1, 1))
    sheet.print(panel.second, (xs + slope * ys) / rng.choice((16, 20, 24)) % 1 < 0.5, panel.mask)


def _split(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    xs, ys = grid()
    side = rng.choice((-1, 1)) * (xs - panel.x) + (ys - panel.y) * rng.choice((0.6, 1.0)) > 0
    sheet.print(panel.second, side, panel.mask)


def _diamond(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    reach = panel.height * rng.uniform(0.60, 0.68)
    sheet.print(PAPER, rotated_square(panel.x, panel.y, reach + 3), panel.mask)
    sheet.print(panel.second, rotated_square(panel.x, panel.y, reach), panel.mask)


def _arch(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    half, top = panel.height * 0.46, panel.box[1] + 3
    for grow, ink in ((2.5, PAPER), (0.0, panel.second)):
        r = half + grow
        tall = rectangle((panel.x - r, top + half, panel.x + r, SIDE))
        sheet.print(ink, disc(panel.x, top + half, r) | tall, panel.mask)


def _night(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    sheet.print(panel.ground, panel.mask)
    for k in range(9):
        x = panel.box[0] + 8 + (k * 37 + rng.randrange(12)) % (panel.box[2] - panel.box[0] - 16)
        y = panel.box[1] + 7 + (k * 23 + rng.randrange(8)) % (panel.height - 14)
        sheet.print(PAPER, star(x, y, rng.choice((3.5, 4.5, 5.5)), rng.choice((4, 5))), panel.mask)
    orbit = disc(panel.x, panel.y, panel.height * 0.44)
    sheet.print(panel.second, orbit & ~disc(panel.x, panel.y, panel.height * 0.44 - 3), panel.mask)


def _forest(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    base = panel.box[3] - 8
    for x in range(int(panel.box[0]) - 4, int(panel.box[2]) + 12, 15):
        tall = panel.height * rng.uniform(0.42, 0.78)
        for tier in range(3):
            top = base - tall + tier * tall * 0.26
            half = 5 + tier * 2.2
            fir = polygon([(x, top), (x + half, top + tall * 0.48), (x - half, top + tall * 0.48)])
            sheet.print(panel.second, fir, panel.mask)
    sheet.print(panel.second, rectangle((0, base, SIDE, SIDE)), panel.mask)


def _beams(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    x = panel.box[0] if rng.random() < 0.5 else panel.box[2]
    y = panel.box[1]
    sheet.print(panel.second, rays(x, y, rng.choice((24, 28, 32)), rng.random()), panel.mask)
    sheet.print(PAPER, disc(x, y, 24), panel.mask)
    sheet.print(panel.second, disc(x, y, 20), panel.mask)


def _bands(sheet: Sheet, panel: Panel, rng: random.Random) -> None:
    _flat(sheet, panel)
    top, step = panel.box[1] + panel.height * 0.44, panel.height * 0.14
    for k, share in enumerate((0.25, 0.45, 0.65, 0.85)):
        y = top + k * step
        sheet.print(panel.second, rectangle((0, y, SIDE, y + step * share)), panel.mask)


LAYOUTS: Mapping[str, Layout] = {
    "sunburst": _sunburst, "sun": _sun, "halo": _halo, "rings": _rings, "dots": _dots, "glow": _glow,
    "horizon": _horizon, "hills": _hills, "waves": _waves, "stripes": _stripes, "split": _split,
    "diamond": _diamond, "arch": _arch, "night": _night, "forest": _forest, "beams": _beams, "bands": _bands,
}  # fmt: skip
