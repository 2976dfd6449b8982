"""Prints one matchbox label from its specification."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from frames import FRAMES, Border
from layouts import KEY, LAYOUTS, PAPER, Panel
from lettering import Lettering, lines_of
from palettes import BY_NAME, Palette, contrast
from PIL import Image, ImageFilter
from press import FULL, SCALE, Box, Mask, Sheet, rectangle
from slogans import plain
from subjects import ACCENT, BODY, DARK, EMPTY, LIGHT, SHADE, Poster, oklab

LEGIBLE_CAP = 10.5
"""Least height of capitals in pixels; a slogan that would be smaller is set on two lines."""
REVERSED = 0.2
"""Share of labels with light lettering on dark, which optical readers miss more often."""
VISIBLE = 2.6
"""Least contrast ratio between a subject of one ink and its paper outline."""
READABLE = 4.5
"""Least contrast ratio between lettering and what it stands on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Specification:
    """Everything that determines a label, together with the drawing's tones."""

    subject: str
    drawing: str
    """ "set/name" of the drawing."""
    layout: str
    palette: str
    frame: str
    face: str
    slogan: str
    """May hold a "|", see `slogans`."""
    seed: str
    """What the rest is drawn from: where the bars are, which ink does what, how far the press slips."""

    @property
    def text(self) -> str:
        """The caption that a model is trained with."""
        return f"{self.subject}, matchbox style"

    def record(self, file: str) -> dict[str, str]:
        """The line of `metadata.jsonl`."""
        return {
            "file_name": file, "text": self.text, "subject": self.subject, "slogan": plain(self.slogan),
            "layout": self.layout, "palette": self.palette, "drawing": self.drawing, "frame": self.frame,
            "face": self.face,
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class _Bar:
    """A strip of lettering."""

    lines: tuple[str, ...]
    cap: float
    box: Box


def draw(spec: Specification, poster: Poster, setters: Mapping[str, Lettering]) -> Image.Image:
    """The label, 128 px, RGB. Equal arguments give equal pixels."""
    rng = random.Random(spec.seed)
    palette = BY_NAME[spec.palette]
    colours = list(range(2, len(palette.inks)))
    ground, second = _grounds(colours, rng)
    sheet = Sheet(palette.inks, loose=rng.choice(colours), slip=_slip(rng))
    border = Border(line=rng.choice((KEY, KEY, *colours)), accent=rng.choice(colours))
    inside = FRAMES[spec.frame](sheet, border)
    bars, picture = _typeset(spec.slogan, inside, setters[spec.face], rng)
    panel = Panel(
        box=picture, mask=rectangle(picture), ground=ground, second=second, pitch=rng.choice((5, 6, 7))
    )
    LAYOUTS[spec.layout](sheet, panel, rng)
    _place(sheet, poster, panel, palette, rng)
    bar_ink, text_ink = _bar_inks(palette, rng)
    for bar in bars:
        sheet.print(bar_ink, rectangle(bar.box))
        sheet.print(text_ink, setters[spec.face].mask(bar.lines, bar.box, bar.cap))
    return sheet.develop()


def _slip(rng: random.Random) -> tuple[float, float]:
    return (rng.choice((-1.5, -1.0, 1.0, 1.5)), rng.choice((-1.0, -0.5, 0.5, 1.0)))


def _grounds(colours: list[int], rng: random.Random) -> tuple[int, int]:
    """Inks of the background: colour on colour, colour on paper or paper on colour."""
    first, other = rng.sample(colours, 2) if len(colours) > 1 else (colours[0], PAPER)
    return rng.choice(((first, other), (first, PAPER), (PAPER, first), (first, other), (first, KEY)))


def _typeset(slogan: str, inside: Box, setter: Lettering, rng: random.Random) -> tuple[list[_Bar], Box]:
    """Where the lettering goes and what it leaves for the picture."""
    place = rng.choice(("bottom", "bottom", "bottom", "top", "both"))
    left, top, right, bottom = inside
    width = right - left - 7
    *_, halves = lines_of(slogan)
    if place == "both" and len(halves) == 2:
        caps = [min(13.0, setter.cap((half,), width, 13)) for half in halves]
        upper, lower = (cap + 6.5 for cap in caps)
        bars = [
            _Bar(lines=halves[:1], cap=caps[0], box=(left, top, right, top + upper)),
            _Bar(lines=halves[1:], cap=caps[1], box=(left, bottom - lower, right, bottom)),
        ]
        return bars, (left, top + upper + 1.5, right, bottom - lower - 1.5)
    lines, cap = _lines(slogan, setter, width)
    height = cap * (1.5 * len(lines) - 0.5) + 7.5
    if place == "top":
        bar = _Bar(lines=lines, cap=cap, box=(left, top, right, top + height))
        return [bar], (left, top + height + 1.5, right, bottom)
    bar = _Bar(lines=lines, cap=cap, box=(left, bottom - height, right, bottom))
    return [bar], (left, top, right, bottom - height - 1.5)


def _lines(slogan: str, setter: Lettering, width: float) -> tuple[tuple[str, ...], float]:
    """One line if its capitals come out legible, else two."""
    settings = lines_of(slogan)
    for lines in settings:
        cap = setter.cap(lines, width, 15 if len(lines) == 1 else 28)
        if cap >= LEGIBLE_CAP or lines is settings[-1]:
            return lines, cap
    raise AssertionError(slogan)


def _bar_inks(palette: Palette, rng: random.Random) -> tuple[int, int]:
    """Ink of the bars and of the lettering on them, far enough apart to be read."""
    inks = palette.inks
    light = [c for c in range(2, len(inks)) if contrast(inks[c], palette.key) >= READABLE]
    deep = [c for c in range(2, len(inks)) if contrast(inks[c], palette.paper) >= READABLE]
    dark_on_light = [(PAPER, KEY)] * 2 + [(colour, KEY) for colour in light]
    light_on_dark = [(KEY, PAPER)] * 2 + [(colour, PAPER) for colour in deep]
    pairs = light_on_dark if rng.random() < REVERSED else dark_on_light
    return rng.choice(pairs)


def _place(sheet: Sheet, poster: Poster, panel: Panel, palette: Palette, rng: random.Random) -> None:
    """Prints the subject: an outline that cuts it from the background, then its tones."""
    tones = _positioned(poster, panel, mirrored=rng.random() < 0.5)
    inks = _tone_inks(poster, tones, palette, panel, rng)
    solid = tones != EMPTY
    pale = inks[BODY] == PAPER
    if pale:
        sheet.print(KEY, _grown(solid, 4.0))
        sheet.print(PAPER, _grown(solid, 2.25))
        sheet.print(KEY, _grown(solid, 1.0))
    else:
        sheet.print(PAPER, _grown(solid, 2.25))
    sheet.print(inks[BODY], solid)
    for tone in (SHADE, ACCENT, LIGHT, DARK):
        sheet.print(inks[tone], tones == tone)
        if inks[tone] == inks[BODY]:
            sheet.print(PAPER if inks[BODY] == KEY else KEY, _contour(tones == tone, tones == BODY))
    if not pale:
        sheet.print(KEY, _contour(tones == LIGHT, ~solid))


def _positioned(poster: Poster, panel: Panel, mirrored: bool) -> np.ndarray:
    """The tones on the whole sheet, (512, 512), as large as the panel lets them be."""
    height, width = poster.tones.shape
    room = (panel.box[2] - panel.box[0] - 10, panel.height - 6)
    scale = min(room[0] / width, room[1] / height) * SCALE
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    image = Image.fromarray(poster.tones[:, ::-1] if mirrored else poster.tones)
    page = Image.new("L", (FULL, FULL), EMPTY)
    corner = (round(panel.x * SCALE - size[0] / 2), round(panel.y * SCALE - size[1] / 2))
    page.paste(image.resize(size, Image.Resampling.NEAREST), corner)
    return np.asarray(page)


def _grown(mask: Mask, distance: float) -> Mask:
    """A mask grown by so many label pixels, its corners rounded by a blur."""
    reach = round(distance * SCALE)
    square = Image.fromarray(_dilated(_dilated(mask, reach).T, reach).T).convert("L")
    thick = square.filter(ImageFilter.GaussianBlur(reach / 2))
    return (np.asarray(thick) > 127) | mask


def _dilated(mask: Mask, reach: int) -> Mask:
    """A mask spread `reach` full-size pixels up and down."""
    grown = mask.copy()
    for step in range(1, reach + 1):
        grown[step:] |= mask[:-step]
        grown[:-step] |= mask[step:]
    return grown


def _contour(region: Mask, beside: Mask) -> Mask:
    """A line along the border of two regions that would run together."""
    return _grown(region, 0.6) & _grown(beside, 0.6)


def _tone_inks(
    poster: Poster, tones: np.ndarray, palette: Palette, panel: Panel, rng: random.Random
) -> dict[int, int]:
    """The ink of each tone: near the real colour more often than not, and never lost on the background."""
    colours = list(range(2, len(palette.inks)))
    lab = {ink: oklab(np.array(palette.inks[ink], dtype=np.uint8)) for ink in colours}
    near = min(colours, key=lambda ink: float(np.hypot(*(lab[ink] - poster.body)[1:])))
    body = near if rng.random() < 0.75 else rng.choice(colours)
    free = [ink for ink in colours if ink not in (panel.ground, panel.second)]
    if body == panel.second and free:
        body = rng.choice(free)
    if poster.body[0] > 0.88 and panel.ground != PAPER:
        body = PAPER
    others = [ink for ink in colours if ink != body]
    dark = KEY
    if poster.body[0] < 0.42:
        bold = [ink for ink in colours if contrast(palette.inks[ink], palette.paper) >= VISIBLE]
        dark = rng.choice((KEY, KEY, *bold))
    return {
        BODY: body, DARK: dark, LIGHT: PAPER,
        SHADE: _shade(body, others, tones, lab), ACCENT: rng.choice(others) if others else KEY,
    }  # fmt: skip


def _shade(body: int, others: list[int], tones: np.ndarray, lab: Mapping[int, np.ndarray]) -> int:
    """A darker colour where the palette has one; thin shade becomes line work; wide shade joins the body."""
    if body == PAPER:
        return max(others, key=lambda ink: lab[ink][0])
    darker = [ink for ink in others if lab[ink][0] < lab[body][0] - 0.06]
    if darker:
        return max(darker, key=lambda ink: lab[ink][0])
    thin = np.count_nonzero(tones == SHADE) < 0.15 * np.count_nonzero(tones != EMPTY)
    return KEY if thin else body
