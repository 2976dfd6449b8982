"""Prints drawings in few inks, so that the judge learns subjects and not styles.

All of it is vectorised: uint8 RGBA (n, 4, 128, 128) in, float pictures (n, 3, 128, 128) in -1..1 out, and everything
random comes from the given generator. `press.py` prints the real labels; this is only like them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from bending import sampled
from dice import Dice
from division import INKS, Plan, ink, mixed, step
from grounds import ground, screen
from palettes import PALETTES
from trim import framed, lettered
from world import SIDE, to_float

THROWS = 6
"""So many orders of the inks are tried, and the one with the clearest contrast is printed."""

_LUMINANCE = (0.2126, 0.7152, 0.0722)
_HIDDEN = 99.0
"""A threshold that no tone reaches."""


def restyle(rgba: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Drawings as labels of few inks: float (n, 3, 128, 128) in -1..1."""
    n, dice = len(rgba), Dice(random)
    plan, inks = Plan.random(n, dice), palettes(n, dice)
    rgba = _fitted(rgba, plan, dice)
    alpha = rgba[:, 3:].float() / 255
    subject = _subject(to_float(rgba[:, :3]), alpha, inks, dice)
    first, second, halo = _grounds(subject, alpha, inks, dice)
    picture = mixed(first, second, ground(n, plan, dice))
    key = ink(inks, 1)
    for grown, colour, share in ((5, key, 0.3), (3, halo, 0.85), (1, key, 0.25)):
        picture = mixed(picture, colour, _grown(alpha, grown) * dice.chance(n, share))
    picture = mixed(picture, subject, alpha)
    return lettered(framed(picture, inks, plan, dice), inks, plan, dice)


def palettes(n: int, dice: Dice) -> torch.Tensor:
    """Inks (n, 5, 3): half of them from the press, half of them any light paper, dark key and colours."""
    known = [(*p.inks, *p.inks[-1:] * INKS)[:INKS] for p in PALETTES]
    known = torch.tensor(known, device=dice.device) / 127.5 - 1
    some = known[(dice(n) * len(known)).long()] + dice(n, INKS, 3, low=-0.12, high=0.12)
    paper, key = dice(n, 1, 3, low=0.5, high=1), dice(n, 1, 3, low=-1, high=-0.5)
    free = torch.cat([paper, key, dice(n, INKS - 2, 3, low=-1, high=1)], 1)
    return torch.where(dice(n, 1, 1) < 0.5, some, free).clamp(-1, 1)


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
    plates = [step(t - cut[:, k, None], 3.0) for k, t in enumerate((tone, slipped, tone))]
    plates[2] = plates[2] * torch.where(dice.chance(n, 0.2), screen(n, dice, 0.55), 1.0)
    colours = _ordered(inks, dice)
    printed = colours[:, 0].expand(-1, -1, SIDE, SIDE)
    for k, plate in enumerate(plates):
        printed = mixed(printed, colours[:, k + 1], plate)
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
    return step(F.avg_pool2d(F.max_pool2d(mask, side, 1, reach), 3, 1, 1) - 0.5, 2.0)
