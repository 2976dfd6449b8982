"""Bends drawings out of shape, so that the judge learns subjects and not outlines; all of it vectorised."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from dice import Dice
from world import SIDE, random_affine

LARGEST, SHIFT = 1.1, 0.15
"""How large a drawing gets: what is judged fills the picture, and must not lie at the edge of what was learnt."""


def bend(
    rgba: torch.Tensor, random: torch.Generator, *, zoom: float = 0.45, strength: float = 1.0
) -> torch.Tensor:
    """Moves, turns, shears, tilts and ripples drawings (n, 4, 128, 128) uint8; outside them is nothing."""
    n, dice = len(rgba), Dice(random)
    theta = random_affine(n, random, zoom=zoom, shift=SHIFT, turn=0.4 * strength, largest=LARGEST)
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
