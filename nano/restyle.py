"""Bends drawings out of shape and prints them in few inks, so that the judge learns subjects and not styles.

All of it is vectorised: uint8 RGBA (n, 4, 128, 128) in, float pictures (n, 3, 128, 128) in -1..1 out, and everything
random comes from the given generator. `press.py` prints the real labels; this is only like them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from palettes import PALETTES
from world import SIDE, random_affine, to_float

INKS = 5
"""Paper, key and three colours; a palette of fewer has its last one several times."""
THROWS = 6
"""So many orders of the inks are tried, and the one with the clearest contrast is printed."""

_LUMINANCE = (0.2126, 0.7152, 0.0722)
_HIDDEN = 99.0
"""A threshold that no tone reaches."""


class Dice:
    """Uniform numbers from one generator."""

    def __init__(self, generator: torch.Generator) -> None:
        self.generator, self.device = generator, generator.device

    def __call__(self, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
        return low + (high - low) * torch.rand(*shape, device=self.device, generator=self.generator)

    def chance(self, n: int, share: float) -> torch.Tensor:
        """True for about this share of n pictures: bool (n, 1, 1, 1)."""
        return self(n, 1, 1, 1) < share

    def order(self, *shape: int) -> torch.Tensor:
        """Random orders of the last axis."""
        return self(*shape).argsort(-1)

    def some(self, n: int, share: float) -> torch.Tensor:
        """Different numbers below n, a share of them; always equally many, so nothing waits for the device."""
        return self.order(n)[: round(n * share)]


# --- shape ---


def bend(
    rgba: torch.Tensor, random: torch.Generator, *, zoom: float = 0.5, strength: float = 1.0
) -> torch.Tensor:
    """Moves, turns, shears, tilts and ripples drawings (n, 4, 128, 128) uint8; outside them is nothing."""
    n, dice = len(rgba), Dice(random)
    theta = random_affine(n, random, zoom=zoom, shift=0.22, turn=0.4 * strength)
    shear = torch.eye(2, device=rgba.device) + dice(n, 2, 2, low=-0.22, high=0.22) * strength
    theta = torch.cat([theta[:, :, :2] @ shear, theta[:, :, 2:]], 2)
    grid = F.affine_grid(theta, [n, 4, SIDE, SIDE], align_corners=False)
    tilt = dice(n, 1, 1, 2, low=-0.22, high=0.22) * strength
    grid = grid / (1 + (grid * tilt).sum(-1, keepdim=True)).clamp_min(0.4)
    return sampled(rgba, grid + _ripple(n, dice, strength))


def _ripple(n: int, dice: Dice, strength: float) -> torch.Tensor:
    """A smooth random displacement (n, 128, 128, 2), coarse for all and finer for some."""
    coarse = _enlarged(dice(n, 2, 4, 4, low=-1, high=1)) * dice(n, 1, 1, 1) * 0.16
    fine = _enlarged(dice(n, 2, 9, 9, low=-1, high=1)) * dice(n, 1, 1, 1) * 0.05 * dice.chance(n, 0.4)
    return (coarse + fine).permute(0, 2, 3, 1) * strength


def _enlarged(values: torch.Tensor) -> torch.Tensor:
    return F.interpolate(values, size=SIDE, mode="bicubic", align_corners=True)


def sampled(rgba: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
    """Drawings looked up at `grid`, premultiplied on the way, so that edges have no dark rims."""
    alpha = rgba[:, 3:].float() / 255
    moved = F.grid_sample(torch.cat([rgba[:, :3].float() * alpha, alpha], 1), grid, align_corners=False)
    colour = moved[:, :3] / moved[:, 3:].clamp_min(1e-3)
    return torch.cat([colour.clamp(0, 255), moved[:, 3:] * 255], 1).round().to(torch.uint8)


def thicken(picture: torch.Tensor, random: torch.Generator, share: float) -> torch.Tensor:
    """Dark or light parts of a share of the pictures grow by a pixel or two."""
    dice = Dice(random)
    rows = dice.some(len(picture), share)
    sign = torch.where(dice.chance(len(rows), 0.5), 1.0, -1.0)
    once = F.max_pool2d(picture[rows] * sign, 3, 1, 1)
    grown = torch.where(dice.chance(len(rows), 0.35), F.max_pool2d(once, 3, 1, 1), once)
    return picture.index_copy(0, rows, grown * sign)


def outline(picture: torch.Tensor, random: torch.Generator, share: float) -> torch.Tensor:
    """Nothing but the edges of a share of the pictures, in a dark ink on a light one or the other way round."""
    dice = Dice(random)
    rows = dice.some(len(picture), share)
    chosen, n = picture[rows], len(rows)
    edge = (F.max_pool2d(chosen, 3, 1, 1) + F.max_pool2d(-chosen, 3, 1, 1)).amax(1, keepdim=True)
    edge = ((edge - dice(n, 1, 1, 1, low=0.1, high=0.35)) * 3).clamp(0, 1)
    dark, light = dice(n, 3, 1, 1, low=-1, high=-0.4), dice(n, 3, 1, 1, low=0.3, high=1)
    swap = dice.chance(n, 0.25)
    ink, paper = torch.where(swap, light, dark), torch.where(swap, dark, light)
    return picture.index_copy(0, rows, paper + (ink - paper) * edge)


# --- print ---


@dataclass(frozen=True, slots=True)
class Plan:
    """How each label is divided: everything (n, 1, 1) in pixels."""

    margin: torch.Tensor
    bar: torch.Tensor
    """Height of the caption bar, 0 for none."""
    above: torch.Tensor
    """Is the bar at the top?"""

    @classmethod
    def random(cls, n: int, dice: Dice) -> Plan:
        margin = dice(n, 1, 1, low=2, high=9) * (dice(n, 1, 1) < 0.75)
        bar = dice(n, 1, 1, low=14, high=34) * (dice(n, 1, 1) < 0.7)
        return cls(margin, bar, dice(n, 1, 1) < 0.35)

    @property
    def panel(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Top and bottom of the picture."""
        top = self.margin + torch.where(self.above, self.bar, 0.0)
        return top, SIDE - self.margin - torch.where(self.above, 0.0, self.bar)


def restyle(rgba: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Drawings as labels of few inks: float (n, 3, 128, 128) in -1..1."""
    n, dice = len(rgba), Dice(random)
    plan, inks = Plan.random(n, dice), palettes(n, dice)
    rgba = _fitted(rgba, plan, dice)
    alpha = rgba[:, 3:].float() / 255
    subject = _subject(to_float(rgba[:, :3]), alpha, inks, dice)
    first, second, halo = _grounds(subject, alpha, inks, dice)
    picture = _mixed(first, second, ground(n, plan, dice))
    key = _ink(inks, 1)
    for grown, ink, share in ((5, key, 0.3), (3, halo, 0.85), (1, key, 0.25)):
        picture = _mixed(picture, ink, _grown(alpha, grown) * dice.chance(n, share))
    picture = _mixed(picture, subject, alpha)
    return _lettered(_framed(picture, inks, plan, dice), inks, plan, dice)


def palettes(n: int, dice: Dice) -> torch.Tensor:
    """Inks (n, 5, 3): half of them from the press, half of them any light paper, dark key and colours."""
    known = [(*p.inks, *p.inks[-1:] * INKS)[:INKS] for p in PALETTES]
    known = torch.tensor(known, device=dice.device) / 127.5 - 1
    some = known[(dice(n) * len(known)).long()] + dice(n, INKS, 3, low=-0.12, high=0.12)
    paper, key = dice(n, 1, 3, low=0.5, high=1), dice(n, 1, 3, low=-1, high=-0.5)
    free = torch.cat([paper, key, dice(n, INKS - 2, 3, low=-1, high=1)], 1)
    return torch.where(dice(n, 1, 1) < 0.5, some, free).clamp(-1, 1)


def _ink(inks: torch.Tensor, number: int) -> torch.Tensor:
    return inks[:, number, :, None, None]


def _mixed(under: torch.Tensor, over: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return under + (over - under) * mask


def _step(value: torch.Tensor, sharp: float | torch.Tensor = 1.0) -> torch.Tensor:
    """0 below nought and 1 above it, with a slope of about one pixel."""
    return (value * sharp + 0.5).clamp(0, 1)


def _fitted(rgba: torch.Tensor, plan: Plan, dice: Dice) -> torch.Tensor:
    """Drawings scaled into the panels of their labels, or a little beyond them."""
    top, bottom = (edge.flatten() for edge in plan.panel)
    scale = SIDE / (bottom - top) * dice(len(rgba), low=0.85, high=1.1)
    theta = torch.zeros(len(rgba), 2, 3, device=rgba.device)
    theta[:, 0, 0] = theta[:, 1, 1] = scale
    theta[:, 1, 2] = scale * (1 - (top + bottom) / SIDE)
    return sampled(rgba, F.affine_grid(theta, [len(rgba), 4, SIDE, SIDE], align_corners=False))


def _subject(picture: torch.Tensor, alpha: torch.Tensor, inks: torch.Tensor, dice: Dice) -> torch.Tensor:
    """The drawing in two to four flat inks, one plate of them out of register, one sometimes in dots."""
    n = len(picture)
    tone = _tone(picture, alpha, dice)
    slip = torch.eye(2, 3, device=tone.device).repeat(n, 1, 1)
    slip[:, :, 2] = dice(n, 2, low=-2, high=2) * 2 / SIDE * (dice(n, 1) < 0.6)
    grid = F.affine_grid(slip, [n, 1, SIDE, SIDE], align_corners=False)
    slipped = F.grid_sample(tone, grid, align_corners=False, padding_mode="border")
    cut = _thresholds(n, dice)
    plates = [_step(t - cut[:, k, None], 3.0) for k, t in enumerate((tone, slipped, tone))]
    plates[2] = plates[2] * torch.where(dice.chance(n, 0.2), _screen(n, dice, 0.55), 1.0)
    colours = _ordered(inks, dice)
    printed = colours[:, 0].expand(-1, -1, SIDE, SIDE)
    for k, plate in enumerate(plates):
        printed = _mixed(printed, colours[:, k + 1], plate)
    return printed


def _tone(picture: torch.Tensor, alpha: torch.Tensor, dice: Dice) -> torch.Tensor:
    """One number a pixel: luminance, or another mixture of the channels, 0 +- 1 over the drawing."""
    n = len(picture)
    usual = torch.tensor(_LUMINANCE, device=dice.device)
    mixture = torch.where(dice(n, 1) < 0.65, usual, dice(n, 3, low=-0.5, high=1))
    tone = torch.einsum("nc,nchw->nhw", mixture, picture)[:, None]
    area = alpha.sum((2, 3), keepdim=True).clamp_min(1)
    tone = tone - (tone * alpha).sum((2, 3), keepdim=True) / area
    spread = ((tone**2 * alpha).sum((2, 3), keepdim=True) / area).sqrt().clamp_min(0.05)
    return F.avg_pool2d(tone / spread, 3, 1, 1, count_include_pad=False)


def _thresholds(n: int, dice: Dice) -> torch.Tensor:
    """Three rising thresholds (n, 3, 1, 1), of which the upper ones may be out of reach: two to four levels."""
    cut = torch.tensor([-0.9, 0.2, 1.0], device=dice.device) + dice(n, 3, low=-0.5, high=0.5)
    levels = (dice(n, 1) ** 0.7 * 3).long()
    cut = torch.where(torch.arange(3, device=dice.device) > levels, _HIDDEN, cut)
    return cut.sort(1).values[:, :, None, None]


def _ordered(inks: torch.Tensor, dice: Dice) -> torch.Tensor:
    """Inks of the levels (n, 4, 3, 1, 1), dark to light, light to dark, or as they contrast best."""
    n = len(inks)
    light = (inks * inks.new_tensor(_LUMINANCE)).sum(-1)
    rising = light.argsort(1)[:, [0, 1, 3, 4]]
    kind = dice(n, 1)
    free = _contrasting(inks, dice.order(n, THROWS, INKS)[:, :, :4])
    order = torch.where(kind < 0.55, rising, torch.where(kind < 0.68, rising.flip(1), free))
    return inks.gather(1, order[..., None].expand(-1, -1, 3))[..., None, None]


def _contrasting(inks: torch.Tensor, throws: torch.Tensor) -> torch.Tensor:
    """Of the throws (n, throws, k) of ink numbers, the one whose neighbours differ most."""
    n, count, k = throws.shape
    colours = inks.gather(1, throws.reshape(n, -1, 1).expand(-1, -1, 3)).view(n, count, k, 3)
    gap = (colours[:, :, 1:] - colours[:, :, :-1]).norm(dim=-1).amin(-1)
    return throws.gather(1, gap.argmax(1)[:, None, None].expand(-1, 1, k))[:, 0]


def _grounds(
    subject: torch.Tensor, alpha: torch.Tensor, inks: torch.Tensor, dice: Dice
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Inks of the background, of what stands out from it and of the rim around the subject: (n, 3, 1, 1) each."""
    body = (subject * alpha).sum((2, 3)) / alpha.sum((2, 3)).clamp_min(1)
    n = len(inks)
    throws = dice.order(n, THROWS, INKS)[:, :, :3]
    colours = inks.gather(1, throws.reshape(n, -1, 1).expand(-1, -1, 3)).view(n, THROWS, 3, 3)
    apart = (colours - body[:, None, None]).norm(dim=-1)
    gap = torch.minimum(apart[:, :, 0] * 0.8, (colours[:, :, 0] - colours[:, :, 1]).norm(dim=-1))
    gap = torch.minimum(gap, apart[:, :, 2])
    best = colours.gather(1, gap.argmax(1)[:, None, None, None].expand(-1, 1, 3, 3))[:, 0, :, :, None, None]
    return best[:, 0], best[:, 1], best[:, 2]


def _grown(mask: torch.Tensor, reach: int) -> torch.Tensor:
    """A soft mask grown by so many pixels, with round corners."""
    side = 2 * reach + 1
    return _step(F.avg_pool2d(F.max_pool2d(mask, side, 1, reach), 3, 1, 1) - 0.5, 2.0)


# --- grounds: masks (n, 128, 128) of what stands out, from pixel coordinates around the middle of the panel ---


def ground(n: int, plan: Plan, dice: Dice) -> torch.Tensor:
    """One pattern for each of n labels (n, 1, 128, 128), every kind as often as the others."""
    top, bottom = plan.panel
    line = torch.arange(SIDE, device=dice.device) + 0.5
    x = (line - SIDE / 2).view(1, 1, SIDE) + dice(n, 1, 1, low=-12, high=12)
    y = line.view(1, SIDE, 1) - (top + bottom) / 2 - (bottom - top) * dice(n, 1, 1, low=-0.1, high=0.35)
    x, y = x.expand(n, SIDE, SIDE), y.expand(n, SIDE, SIDE)
    mask, order = torch.zeros(n, SIDE, SIDE, device=dice.device), dice.order(n)
    for k, pattern in enumerate(PATTERNS):
        rows = order[k :: len(PATTERNS)]
        mask[rows] = pattern(x[rows], y[rows], dice)
    return mask[:, None]


def _flat(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    return torch.zeros_like(x)


def _stripes(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    u, _ = _turned(x, y, dice)
    return _waves_of(u, dice(len(x), 1, 1, low=6, high=26), dice)


def _rings(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    return _waves_of(torch.hypot(x, y), dice(len(x), 1, 1, low=8, high=24), dice)


def _rays(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    count = dice(len(x), 1, 1, low=8, high=30).round()
    angle = torch.atan2(y, x) * count + dice(len(x), 1, 1, high=2 * math.pi)
    rays = _step(angle.sin(), torch.hypot(x, y) / count)
    disc = _step(dice(len(x), 1, 1, low=15, high=42) - torch.hypot(x, y))
    return torch.where(dice(len(x), 1, 1) < 0.4, torch.maximum(rays, disc), rays)


def _halves(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    return _step(_turned(x, y, dice)[0] + dice(len(x), 1, 1, low=-15, high=15))


def _disc(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    """A circle, a square on its point or something between the two."""
    power = dice(len(x), 1, 1, low=1, high=2.2).round()
    away = (x.abs() ** power + y.abs() ** power) ** (1 / power)
    return _step(dice(len(x), 1, 1, low=30, high=62) - away)


def _dots(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    """Halftone whose tone fades from one side to the other, or outwards."""
    u, v = _turned(x, y, dice)
    pitch = dice(len(x), 1, 1, low=4, high=11)
    across, outwards = _turned(x, y, dice)[0] / SIDE + 0.45, 1 - torch.hypot(x, y) / 70
    fade = torch.where(dice(len(x), 1, 1) < 0.5, across, outwards)
    cells = ((u * 2 * math.pi / pitch).cos() + (v * 2 * math.pi / pitch).cos()) / 4 + 0.5
    return _step(cells - 1 + fade.clamp(0, 0.85), pitch / 2)


def _sea(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    """Rolling ground below a horizon, plain or in bands."""
    length, phase, height = (
        dice(len(x), 1, 1, low=low, high=high) for low, high in ((3, 18), (0, 6), (0, 6))
    )
    deep = y + (x / length + phase).sin() * height - dice(len(x), 1, 1, low=-10, high=25)
    bands = _waves_of(deep, dice(len(x), 1, 1, low=9, high=18), dice)
    return _step(deep) * torch.where(dice(len(x), 1, 1) < 0.5, bands, 1.0)


def _scatter(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    """Spots of several sizes at random places, like stars, leaves or confetti."""
    n = len(x)
    spots = F.interpolate((dice(n, 1, 11, 11) > 0.86).float() * dice(n, 1, 11, 11), size=SIDE, mode="bicubic")
    return _step(spots[:, 0] - 0.25, 6.0)


Pattern = Callable[[torch.Tensor, torch.Tensor, Dice], torch.Tensor]
PATTERNS: tuple[Pattern, ...] = (_flat, _stripes, _rings, _rays, _halves, _disc, _dots, _sea, _scatter)


def _turned(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> tuple[torch.Tensor, torch.Tensor]:
    angle = dice(len(x), 1, 1, high=2 * math.pi)
    return x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()


def _waves_of(u: torch.Tensor, pitch: torch.Tensor, dice: Dice) -> torch.Tensor:
    """Bands half as wide as `pitch` across `u`."""
    phase = (u / pitch + dice(len(u), 1, 1)) % 1
    return _step(0.25 - (phase - 0.5).abs(), pitch)


def _screen(n: int, dice: Dice, tone: float) -> torch.Tensor:
    """Halftone of one tone (n, 1, 128, 128)."""
    line = torch.arange(SIDE, device=dice.device).float()
    x, y = line.expand(n, SIDE, SIDE), line[:, None].expand(n, SIDE, SIDE)
    u, v = _turned(x, y, dice)
    pitch = dice(n, 1, 1, low=3, high=6)
    cells = ((u * 2 * math.pi / pitch).cos() + (v * 2 * math.pi / pitch).cos()) / 4 + 0.5
    return _step(cells - 1 + tone, pitch / 2)[:, None]


# --- frames and lettering ---


def _framed(picture: torch.Tensor, inks: torch.Tensor, plan: Plan, dice: Dice) -> torch.Tensor:
    """Paper beyond the margin, and lines or beads along it."""
    n = len(picture)
    line = torch.arange(SIDE, device=dice.device) + 0.5
    near = torch.minimum(line, SIDE - line)
    inside = torch.minimum(near, near[:, None]).expand(n, SIDE, SIDE) - plan.margin
    picture = _mixed(picture, _ink(inks, 0), _step(-inside)[:, None])
    wide = dice(n, 1, 1, low=1, high=4)
    frame = _step(inside) * _step(wide - inside)
    second = _step(inside + plan.margin * 0.6) * _step(1.2 - inside - plan.margin * 0.6)
    frame = torch.where(dice(n, 1, 1) < 0.3, torch.maximum(frame, second), frame)
    beads = _step((line * math.pi / 3).sin() * (line[:, None] * math.pi / 3).sin(), 2.0)
    frame = torch.where(dice(n, 1, 1) < 0.25, frame * beads, frame) * (plan.margin > 0)
    return _mixed(picture, _any_ink(inks, dice), (frame * (dice(n, 1, 1) < 0.8))[:, None])


def _lettered(picture: torch.Tensor, inks: torch.Tensor, plan: Plan, dice: Dice) -> torch.Tensor:
    """A bar at the top or at the bottom with strokes on it that look like a line or two of capitals."""
    n = len(picture)
    line = torch.arange(SIDE, device=dice.device) + 0.5
    x, y = line.view(1, 1, SIDE), line.view(1, SIDE, 1)
    start = torch.where(plan.above, plan.margin, SIDE - plan.margin - plan.bar)
    down = (y - start) / plan.bar.clamp_min(1)
    inside = (down >= 0) & (down < 1) & (x > plan.margin) & (x < SIDE - plan.margin)
    light, dark = torch.where(dice(n, 1, 1, 1) < 0.6, _ink(inks, 0), _any_ink(inks, dice)), _ink(inks, 1)
    swap = dice.chance(n, 0.3)
    bar, letters = torch.where(swap, dark, light), torch.where(swap, light, dark)
    picture = _mixed(picture, bar, inside[:, None].float())
    return _mixed(picture, letters, (_strokes(n, x, down, plan, dice) & inside)[:, None].float())


def _strokes(n: int, x: torch.Tensor, down: torch.Tensor, plan: Plan, dice: Dice) -> torch.Tensor:
    """Letters of three by five strokes, gaps between them and between words: bool (n, 128, 128)."""
    rows, columns = 14, 96
    two = (plan.bar > 24) & (dice(n, 1, 1) < 0.8)
    row = torch.where(two, down * 14, (down * 7).clamp(0, 6.9)).long().clamp(0, rows - 1)
    column = ((x - plan.margin - 4) / dice(n, 1, 1, low=1.6, high=3)).floor().long().clamp(0, columns - 1)
    stem = torch.arange(columns, device=dice.device) % 4 == 0
    bits = dice(n, rows, columns) < torch.where(stem, 0.85, 0.5)
    bits = bits & (torch.arange(columns, device=dice.device) % 4 != 3)
    bits = bits & (dice(n, 1, columns // 4) < 0.85).repeat_interleave(4, 2)
    bits = bits & (torch.arange(rows, device=dice.device) % 7 % 6 != 0)[:, None]
    flat = (row * columns + column).flatten(1)
    edge = (x > plan.margin + 4) & (x < SIDE - plan.margin - 4)
    return bits.flatten(1).gather(1, flat).view(n, SIDE, SIDE) & edge


def _any_ink(inks: torch.Tensor, dice: Dice) -> torch.Tensor:
    """One of the inks but for the paper (n, 3, 1, 1)."""
    number = 1 + (dice(len(inks)) * (INKS - 1)).long()
    return inks[torch.arange(len(inks), device=dice.device), number][..., None, None]
