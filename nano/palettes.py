"""The inks. Each palette is paper, one dark ink and two or three colours, as the cheap presses had them."""

from __future__ import annotations

from dataclasses import dataclass

from press import Rgb


@dataclass(frozen=True, slots=True)
class Palette:
    """Inks of one label."""

    name: str
    paper: Rgb
    key: Rgb
    colours: tuple[Rgb, ...]

    @property
    def inks(self) -> tuple[Rgb, ...]:
        """Paper, key, colours: the numbers that a sheet prints by."""
        return (self.paper, self.key, *self.colours)


def _palette(name: str, paper: str, key: str, *colours: str) -> Palette:
    return Palette(name, _rgb(paper), _rgb(key), tuple(_rgb(colour) for colour in colours))


def _rgb(code: str) -> Rgb:
    return (int(code[0:2], 16), int(code[2:4], 16), int(code[4:6], 16))


PALETTES: tuple[Palette, ...] = (
    _palette("brick", "f2e6c9", "22262b", "c8392b", "e3a53c"),
    _palette("teal", "f1e6c8", "1d2f36", "1f7a80", "d4572f"),
    _palette("mustard", "f4e9cd", "26324a", "dda02e", "b93a2c"),
    _palette("forest", "f0e5c6", "20352a", "3f7d4e", "d95a33"),
    _palette("navy", "f2e7cb", "1f2c54", "d8483a", "6fa3b8"),
    _palette("plum", "f3e5cf", "3a2140", "a23a5e", "e0a24a"),
    _palette("olive", "f1e7c6", "2f3120", "7d8a35", "cf4a2d"),
    _palette("sky", "f4ead0", "203552", "4f9cc4", "e2b13c"),
    _palette("rust", "f3e4c6", "3b2119", "bd5327", "4f8a83"),
    _palette("mint", "f3ecd2", "213a3a", "6db295", "d6503c"),
    _palette("rose", "f5e8d4", "2c2a40", "e08a86", "3d7c95"),
    _palette("ochre", "f3e6c3", "3a2a1c", "d18a2b", "5b8a4a"),
    _palette("red-blue", "f3e9d0", "1f2f5c", "d23a33"),
    _palette("green-black", "f1e8ca", "1e2420", "4f9a54", "e6b93f"),
    _palette("festive", "f4e8ca", "262b38", "cf3b30", "e8b33b", "2f8577"),
    _palette("harvest", "f4e7c5", "35261e", "d96c2c", "e8b545", "5c8f4f"),
    _palette("polar", "f2ecd8", "1c2c44", "3c7fae", "8fc3cf", "d9523d"),
    _palette("circus", "f5e9cf", "2b2346", "d84a3e", "eab53e", "4a8fb0"),
)
BY_NAME = {palette.name: palette for palette in PALETTES}


def contrast(a: Rgb, b: Rgb) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    darker, lighter = sorted((_luminance(a), _luminance(b)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(rgb: Rgb) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in (v / 255 for v in rgb)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
