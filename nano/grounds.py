"""What stands out from a label's ground: masks (n, 128, 128) from pixel coordinates around the middle of the panel."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from dice import Dice
from division import Plan, step
from world import SIDE


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
    rays = step(angle.sin(), torch.hypot(x, y) / count)
    disc = step(dice(len(x), 1, 1, low=15, high=42) - torch.hypot(x, y))
    return torch.where(dice(len(x), 1, 1) < 0.4, torch.maximum(rays, disc), rays)


def _halves(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    return step(_turned(x, y, dice)[0] + dice(len(x), 1, 1, low=-15, high=15))


def _disc(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    """A circle, a square on its point or something between the two."""
    power = dice(len(x), 1, 1, low=1, high=2.2).round()
    away = (x.abs() ** power + y.abs() ** power) ** (1 / power)
    return step(dice(len(x), 1, 1, low=30, high=62) - away)


def _dots(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    """Halftone whose tone fades from one side to the other, or outwards."""
    u, v = _turned(x, y, dice)
    pitch = dice(len(x), 1, 1, low=4, high=11)
    across, outwards = _turned(x, y, dice)[0] / SIDE + 0.45, 1 - torch.hypot(x, y) / 70
    fade = torch.where(dice(len(x), 1, 1) < 0.5, across, outwards)
    cells = ((u * 2 * math.pi / pitch).cos() + (v * 2 * math.pi / pitch).cos()) / 4 + 0.5
    return step(cells - 1 + fade.clamp(0, 0.85), pitch / 2)


def _sea(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    """Rolling ground below a horizon, plain or in bands."""
    length, phase, height = (
        dice(len(x), 1, 1, low=low, high=high) for low, high in ((3, 18), (0, 6), (0, 6))
    )
    deep = y + (x / length + phase).sin() * height - dice(len(x), 1, 1, low=-10, high=25)
    bands = _waves_of(deep, dice(len(x), 1, 1, low=9, high=18), dice)
    return step(deep) * torch.where(dice(len(x), 1, 1) < 0.5, bands, 1.0)


def _scatter(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> torch.Tensor:
    """Spots of several sizes at random places, like stars, leaves or confetti."""
    n = len(x)
    spots = F.interpolate((dice(n, 1, 11, 11) > 0.86).float() * dice(n, 1, 11, 11), size=SIDE, mode="bicubic")
    return step(spots[:, 0] - 0.25, 6.0)


Pattern = Callable[[torch.Tensor, torch.Tensor, Dice], torch.Tensor]
PATTERNS: tuple[Pattern, ...] = (_flat, _stripes, _rings, _rays, _halves, _disc, _dots, _sea, _scatter)


def _turned(x: torch.Tensor, y: torch.Tensor, dice: Dice) -> tuple[torch.Tensor, torch.Tensor]:
    angle = dice(len(x), 1, 1, high=2 * math.pi)
    return x * angle.cos() + y * angle.sin(), y * angle.cos() - x * angle.sin()


def _waves_of(u: torch.Tensor, pitch: torch.Tensor, dice: Dice) -> torch.Tensor:
    """Bands half as wide as `pitch` across `u`."""
    phase = (u / pitch + dice(len(u), 1, 1)) % 1
    return step(0.25 - (phase - 0.5).abs(), pitch)


def screen(n: int, dice: Dice, tone: float) -> torch.Tensor:
    """Halftone of one tone (n, 1, 128, 128)."""
    line = torch.arange(SIDE, device=dice.device).float()
    x, y = line.expand(n, SIDE, SIDE), line[:, None].expand(n, SIDE, SIDE)
    u, v = _turned(x, y, dice)
    pitch = dice(n, 1, 1, low=3, high=6)
    cells = ((u * 2 * math.pi / pitch).cos() + (v * 2 * math.pi / pitch).cos()) / 4 + 0.5
    return step(cells - 1 + tone, pitch / 2)[:, None]
