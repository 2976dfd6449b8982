"""Lettering that survives: bold condensed Cyrillic, letter by letter, sized by the height of its capitals."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from press import FULL, SCALE, Box, Mask


@dataclass(frozen=True, slots=True, kw_only=True)
class Face:
    """One weight of one typeface of the `@fontsource` packages."""

    name: str
    package: str
    weight: int
    copyright: str
    squeeze: float = 1.0
    """Horizontal factor: a wide face is set narrower."""
    licence: str = "OFL-1.1"


FACES: tuple[Face, ...] = (
    Face(name="Oswald", package="oswald", weight=700,
         copyright="2016 The Oswald Project Authors (https://github.com/googlefonts/OswaldFont)"),
    Face(name="Roboto Condensed", package="roboto-condensed", weight=800,
         copyright="2011 Google Inc."),
    Face(name="PT Sans Narrow", package="pt-sans-narrow", weight=700,
         copyright="2009 ParaType Ltd."),
    Face(name="Fira Sans Extra Condensed", package="fira-sans-extra-condensed", weight=700,
         copyright="Google Inc."),
    Face(name="Russo One", package="russo-one", weight=400, squeeze=0.8,
         copyright="2011-2012 Jovanny Lemonad, with Reserved Font Name Russo"),
)  # fmt: skip

_LEADING = 0.5
"""Space between two lines in cap heights."""


class Lettering(Protocol):
    """Sets lines of capitals."""

    def cap(self, lines: tuple[str, ...], width: float, height: float) -> float:
        """The greatest cap height, in label pixels, at which the lines fit in a box; at most 15."""
        ...

    def mask(self, lines: tuple[str, ...], box: Box, cap: float) -> Mask:
        """The lines centred in `box`, (512, 512)."""
        ...


class Setter:
    """Lettering in one face."""

    def __init__(self, face: Face, packages: Path) -> None:
        folder = packages / "@fontsource" / face.package / "files"
        files = [folder / f"{face.package}-{s}-{face.weight}-normal.woff2" for s in ("cyrillic", "latin")]
        self._open = [partial(ImageFont.truetype, str(file)) for file in files]
        self._squeeze = face.squeeze
        self._cap = self._cap_height(1000) / 1000

    def _cap_height(self, size: int) -> float:
        _, top, _, bottom = self._open[0](size).getbbox("Н", anchor="ls")
        return bottom - top

    def width(self, line: str, cap: float) -> float:
        """Width in label pixels of a line whose capitals are `cap` label pixels high."""
        return self._strip(line, cap).width / SCALE

    def cap(self, lines: tuple[str, ...], width: float, height: float) -> float:
        """The greatest cap height, in label pixels, at which the lines fit in a box; at most 15."""
        rows = len(lines) + _LEADING * (len(lines) - 1)
        widest = max(self.width(line, 10) for line in lines) / 10
        return min(15.0, height / rows, width / widest)

    def mask(self, lines: tuple[str, ...], box: Box, cap: float) -> Mask:
        """The lines centred in `box`."""
        page = Image.new("L", (FULL, FULL))
        middle = (box[0] + box[2]) / 2 * SCALE
        top = (box[1] + box[3]) / 2 - cap * (len(lines) + _LEADING * (len(lines) - 1)) / 2
        for row, line in enumerate(lines):
            strip = self._strip(line, cap)
            baseline = (top + cap + row * cap * (1 + _LEADING)) * SCALE
            page.paste(
                strip, (round(middle - strip.width / 2), round(baseline) - strip.height * 2 // 3), strip
            )
        return np.asarray(page) > 127

    def _strip(self, line: str, cap: float) -> Image.Image:
        """One line, its baseline at two thirds of the strip's height."""
        size = cap * SCALE / self._cap
        fonts = [open_at(size) for open_at in self._open]
        cells = [
            (letter, fonts[0] if "А" <= letter <= "я" or letter in "Ёё" else fonts[1]) for letter in line
        ]
        gap = 0.09 * cap * SCALE
        length = math.ceil(sum(font.getlength(letter) + gap for letter, font in cells))
        strip = Image.new("L", (length, 3 * math.ceil(size)))
        draw, x = ImageDraw.Draw(strip), gap / 2
        for letter, font in cells:
            draw.text((x, strip.height * 2 // 3), letter, fill=255, font=font, anchor="ls")
            x += font.getlength(letter) + gap
        return strip.resize((max(1, round(length * self._squeeze)), strip.height), Image.Resampling.LANCZOS)


def lines_of(slogan: str) -> list[tuple[str, ...]]:
    """The ways to set a slogan, fewest lines first: "МИР|МИРУ" on one line or on two."""
    whole = (slogan.replace("|", " "),)
    return [whole, tuple(slogan.split("|"))] if "|" in slogan else [whole]
