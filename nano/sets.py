"""The sets of drawings that the small world is made of, and how to read one from its npm package.

A `Glyph` is one drawing as its package stores it: SVG source for the vector sets, a WebP file for the
glossy one. Names are still the package's own; `naming.py` makes them one language.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

PACKAGES = Path("nano/node_modules")
"""Where `npm ci --prefix nano` puts the packages."""

INK = "#1a1a1a"
"""Colour of the sets that have none of their own."""

_SKIN = re.compile(r"1F3F[B-F]")
_VARIANT = re.compile(
    r"skin-tone|-tone\d|-(medium-)?(dark|light)$|-medium$|^flag|-flag$|keycap|^digit-|^regional"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawingSet:
    """One set of drawings in one style, with what its licence asks to be said."""

    name: str
    package: str
    """npm package, its folder under `node_modules`."""
    style: str
    """The word that captions use for the style of this set."""
    style_ru: str
    """The same in Russian, an adjective that agrees with "стиль"."""
    author: str
    licence: str
    """SPDX identifier."""
    url: str
    coloured: bool = True


SETS: tuple[DrawingSet, ...] = (
    DrawingSet(
        name="fluent-emoji-flat",
        package="@iconify-json/fluent-emoji-flat",
        style="flat",
        style_ru="плоский",
        author="Microsoft Corporation",
        licence="MIT",
        url="https://github.com/microsoft/fluentui-emoji",
    ),
    DrawingSet(
        name="fluent-emoji-high-contrast",
        package="@iconify-json/fluent-emoji-high-contrast",
        style="silhouette",
        style_ru="силуэтный",
        author="Microsoft Corporation",
        licence="MIT",
        url="https://github.com/microsoft/fluentui-emoji",
        coloured=False,
    ),
    DrawingSet(
        name="fluent-emoji-3d",
        package="@lobehub/fluent-emoji-3d",
        style="glossy",
        style_ru="глянцевый",
        author="Microsoft Corporation, packaged by LobeHub",
        licence="MIT",
        url="https://github.com/lobehub/fluent-emoji",
    ),
    DrawingSet(
        name="noto",
        package="@iconify-json/noto",
        style="shaded",
        style_ru="объёмный",
        author="Google Inc",
        licence="Apache-2.0",
        url="https://github.com/googlefonts/noto-emoji",
    ),
    DrawingSet(
        name="noto-v1",
        package="@iconify-json/noto-v1",
        style="blob",
        style_ru="округлый",
        author="Google Inc",
        licence="Apache-2.0",
        url="https://github.com/googlefonts/noto-emoji",
    ),
    DrawingSet(
        name="fxemoji",
        package="@iconify-json/fxemoji",
        style="pastel",
        style_ru="пастельный",
        author="Mozilla",
        licence="Apache-2.0",
        url="https://github.com/mozilla/fxemoji",
    ),
    DrawingSet(
        name="twemoji",
        package="@iconify-json/twemoji",
        style="sticker",
        style_ru="наклеечный",
        author="Twitter and contributors",
        licence="CC-BY-4.0",
        url="https://github.com/jdecked/twemoji",
    ),
    DrawingSet(
        name="emojione",
        package="@iconify-json/emojione",
        style="cartoon",
        style_ru="мультяшный",
        author="EmojiOne, EmojiTwo contributors",
        licence="CC-BY-4.0",
        url="https://github.com/EmojiTwo/emojitwo",
    ),
    DrawingSet(
        name="streamline-emojis",
        package="@iconify-json/streamline-emojis",
        style="outline",
        style_ru="контурный",
        author="Streamline",
        licence="CC-BY-4.0",
        url="https://github.com/webalys-hq/streamline-vectors",
    ),
    DrawingSet(
        name="game-icons",
        package="@iconify-json/game-icons",
        style="stencil",
        style_ru="трафаретный",
        author="Lorc, Delapouite and contributors",
        licence="CC-BY-3.0",
        url="https://github.com/game-icons/icons",
        coloured=False,
    ),
)

BY_NAME = {drawing_set.name: drawing_set for drawing_set in SETS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Glyph:
    """One drawing of one set as its package stores it."""

    set: str
    file: str
    """The package's own name of the drawing, without extension."""
    code: str | None
    """Unicode hexcode without variation selectors, where the package knows it."""
    svg: str | None
    """A whole SVG document, or None for a bitmap."""
    bitmap: Path | None
    """A WebP file with alpha, or None for a vector drawing."""


def bare(code: str) -> str:
    """A hexcode in upper case without variation selectors: "2764-fe0f" becomes "2764"."""
    return "-".join(part for part in code.upper().split("-") if part != "FE0F")


def read(drawing_set: DrawingSet, packages: Path) -> Iterator[Glyph]:
    """All drawings of one set but for skin tones, flags, keycaps and hidden ones, in the package's order."""
    folder = packages / drawing_set.package
    glyphs = _bitmaps if (folder / "assets").is_dir() else _vectors
    return filter(_wanted, glyphs(drawing_set.name, folder))


def _wanted(glyph: Glyph) -> bool:
    return not (_VARIANT.search(glyph.file) or _SKIN.search(glyph.code or ""))


def _bitmaps(name: str, folder: Path) -> Iterator[Glyph]:
    for path in sorted((folder / "assets").glob("*.webp")):
        yield Glyph(set=name, file=path.stem, code=bare(path.stem), svg=None, bitmap=path)


def _vectors(name: str, folder: Path) -> Iterator[Glyph]:
    icons = json.loads((folder / "icons.json").read_text())
    chars = json.loads((folder / "chars.json").read_text()) if (folder / "chars.json").exists() else {}
    codes = {file: bare(code) for code, file in chars.items()}
    size = (icons.get("width", 16), icons.get("height", 16))
    document = partial(_document, default=size)
    for file, icon in sorted(icons["icons"].items()):
        if not icon.get("hidden"):
            yield Glyph(set=name, file=file, code=codes.get(file), svg=document(icon), bitmap=None)


def _document(icon: dict[str, object], default: tuple[int, int]) -> str:
    left, top = icon.get("left", 0), icon.get("top", 0)
    width, height = icon.get("width", default[0]), icon.get("height", default[1])
    body = str(icon["body"]).replace("currentColor", INK)
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'viewBox="{left} {top} {width} {height}">{body}</svg>'
    )
