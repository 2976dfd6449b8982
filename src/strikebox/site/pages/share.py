"""The picture that other sites show beside a link: a label of 1200 x 630 pixels, with the words on it."""

import io
from collections.abc import Iterator
from functools import lru_cache
from itertools import groupby
from textwrap import wrap
from typing import Final

from fastapi import APIRouter, Request, Response
from PIL import Image, ImageDraw, ImageFont

from strikebox.site.pages.parts import Parts
from strikebox.site.pages.pictures import public
from strikebox.site.templates_env import STATIC

_SIZE: Final = (1200, 630)
_PAPER, _CARD, _INK = "#efe3c8", "#f8f1df", "#1d2433"
_TONES = ("#bb2b1b", "#1f3a63", "#1d6a6b", "#3f6b35", "#712f5c", "#7a4a21")  # as in site.css
_PLATE, _MARGIN = 486, 72  # side of the picture, and its distance from the edges
_KEEP = {"Cache-Control": "public, max-age=3600"}


def router(parts: Parts) -> APIRouter:
    pages = APIRouter()

    @pages.get("/pictures/{id}/share.png")
    def share(request: Request, id: str) -> Response:
        found = public(parts, id)
        name = found.enlarged or found.file
        png = label(parts.site.media.read(name), found.subject, parts.templates.title, int(found.id[-4:], 16))
        return Response(png, media_type="image/png", headers=_KEEP)

    return pages


@lru_cache(maxsize=32)
def label(picture: bytes, subject: str, title: str, number: int) -> bytes:
    """The PNG of a label: picture on the left, `subject` on the right; `number` chooses the colour."""
    tone = _TONES[number % len(_TONES)]
    sheet = Image.new("RGB", _SIZE, _PAPER)
    draw = ImageDraw.Draw(sheet)
    _frame(draw, tone)
    with Image.open(io.BytesIO(picture), formats=["PNG"]) as opened:
        plate = opened.convert("RGB").resize((_PLATE, _PLATE), Image.Resampling.LANCZOS)
    sheet.paste(plate, (_MARGIN, _MARGIN))
    draw.rectangle(
        (_MARGIN - 5, _MARGIN - 5, _MARGIN + _PLATE + 4, _MARGIN + _PLATE + 4), outline=_INK, width=5
    )
    _letter(draw, subject, title, tone)
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()


def _frame(draw: ImageDraw.ImageDraw, tone: str) -> None:
    """Perforation, then paper, then a line."""
    width, height = _SIZE
    for x in range(15, width, 30):
        for y in (15, height - 15):
            draw.circle((x, y), 9, fill=tone)
    for y in range(45, height - 30, 30):
        for x in (15, width - 15):
            draw.circle((x, y), 9, fill=tone)
    draw.rectangle((36, 36, width - 37, height - 37), fill=_CARD, outline=_INK, width=5)


def _letter(draw: ImageDraw.ImageDraw, subject: str, title: str, tone: str) -> None:
    left, right = _MARGIN + _PLATE + 36, _SIZE[0] - _MARGIN
    lines, size = _fitted(subject.upper(), right - left, 330)
    top = _MARGIN + (350 - len(lines) * size * 1.16) / 2
    for number, line in enumerate(lines):
        x = left + (right - left - _width(line, size)) / 2
        _text(draw, line, x, top + number * size * 1.16, size, tone)
    draw.rectangle((left, 458, right, _MARGIN + _PLATE), fill=tone)
    name = title.upper()
    _text(draw, name, left + (right - left - _width(name, 54)) / 2, 470, 54, _CARD)


def _fitted(text: str, width: int, height: int) -> tuple[list[str], int]:
    """Lines at the greatest size at which they fit in a box; what still does not fit is cut off."""
    for size in (120, 100, 84, 70, 58, 48, 40):
        lines = wrap(text, max(int(width / (size * 0.44)), 1))
        if len(lines) * size * 1.16 <= height and all(_width(line, size) <= width for line in lines):
            return lines, size
    return wrap(text, int(width / 22), max_lines=6, placeholder=" …"), 40


def _text(draw: ImageDraw.ImageDraw, text: str, x: float, y: float, size: int, fill: str) -> None:
    for run, font in _runs(text, size):
        draw.text((x, y), run, fill=fill, font=font)
        x += font.getlength(run)


def _width(text: str, size: int) -> float:
    return sum(font.getlength(run) for run, font in _runs(text, size))


def _runs(text: str, size: int) -> Iterator[tuple[str, ImageFont.FreeTypeFont]]:
    """Runs of one script: each half of the font is a file of its own."""
    for cyrillic, letters in groupby(text, key=lambda letter: "\u0400" <= letter <= "\u045f"):
        yield "".join(letters), _font("cyrillic" if cyrillic else "latin", size)


@lru_cache(maxsize=32)
def _font(script: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(STATIC / "fonts" / f"oswald-{script}-600-normal.woff2"), size)
