"""The edge of a label: what is printed around the picture, and the picture area that it leaves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from press import SIDE, Box, Mask, Sheet, disc, rectangle, star

PAPER = 0


@dataclass(frozen=True, slots=True)
class Border:
    """The inks of a frame."""

    line: int
    accent: int


Frame: TypeAlias = Callable[[Sheet, Border], Box]
"""Prints a frame and returns the box inside it."""


def _inset(distance: float, radius: float = 0) -> Mask:
    return rectangle((distance, distance, SIDE - distance, SIDE - distance), radius)


def _inner(distance: float) -> Box:
    return (distance, distance, SIDE - distance, SIDE - distance)


def _line(sheet: Sheet, ink: int, distance: float, width: float, radius: float = 0) -> None:
    sheet.print(ink, _inset(distance, radius))
    sheet.print(PAPER, _inset(distance + width, max(0, radius - width)))


def _single(sheet: Sheet, border: Border) -> Box:
    _line(sheet, border.line, 3, 3)
    return _inner(8)


def _double(sheet: Sheet, border: Border) -> Box:
    _line(sheet, border.line, 2.5, 2.5)
    _line(sheet, border.accent, 6.5, 1.25)
    return _inner(9)


def _heavy(sheet: Sheet, border: Border) -> Box:
    sheet.print(border.line, _inset(2))
    sheet.print(PAPER, _inset(7))
    return _inner(8.5)


def _rounded(sheet: Sheet, border: Border) -> Box:
    _line(sheet, border.line, 3, 2.5, 9)
    return _inner(7.5)


def _corner_stars(sheet: Sheet, border: Border) -> Box:
    _line(sheet, border.line, 3, 2)
    for x in (8.5, SIDE - 8.5):
        for y in (8.5, SIDE - 8.5):
            sheet.print(PAPER, rectangle((x - 6.5, y - 6.5, x + 6.5, y + 6.5)))
            sheet.print(border.accent, star(x, y + 0.5, 6))
    return _inner(8.5)


def _perforated(sheet: Sheet, border: Border) -> Box:
    sheet.print(border.line, _inset(0))
    sheet.print(PAPER, _inset(3.5))
    for k in range(12):
        at = 9 + k * 10
        for x, y in ((at, 3.5), (at, SIDE - 3.5), (3.5, at), (SIDE - 3.5, at)):
            sheet.print(PAPER, disc(x, y, 3))
    return _inner(8)


def _beads(sheet: Sheet, border: Border) -> Box:
    for k in range(17):
        at = 4 + k * 7.5
        for x, y in ((at, 4), (at, SIDE - 4), (4, at), (SIDE - 4, at)):
            sheet.print(border.line, disc(x, y, 2.3))
    return _inner(9)


def _full(sheet: Sheet, border: Border) -> Box:
    return _inner(4)


FRAMES: Mapping[str, Frame] = {
    "single": _single, "double": _double, "heavy": _heavy, "rounded": _rounded, "full": _full,
    "corner-stars": _corner_stars, "perforated": _perforated, "beads": _beads,
}  # fmt: skip
