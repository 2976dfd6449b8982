"""Frames and something like lettering around a printed picture."""

from __future__ import annotations

import math

import torch
from dice import Dice
from division import Plan, any_ink, ink, mixed, step
from world import SIDE


def framed(picture: torch.Tensor, inks: torch.Tensor, plan: Plan, dice: Dice) -> torch.Tensor:
    """Paper beyond the margin, and lines or beads along it."""
    n = len(picture)
    line = torch.arange(SIDE, device=dice.device) + 0.5
    near = torch.minimum(line, SIDE - line)
    inside = torch.minimum(near, near[:, None]).expand(n, SIDE, SIDE) - plan.margin
    picture = mixed(picture, ink(inks, 0), step(-inside)[:, None])
    wide = dice(n, 1, 1, low=1, high=4)
    frame = step(inside) * step(wide - inside)
    second = step(inside + plan.margin * 0.6) * step(1.2 - inside - plan.margin * 0.6)
    frame = torch.where(dice(n, 1, 1) < 0.3, torch.maximum(frame, second), frame)
    beads = step((line * math.pi / 3).sin() * (line[:, None] * math.pi / 3).sin(), 2.0)
    frame = torch.where(dice(n, 1, 1) < 0.25, frame * beads, frame) * (plan.margin > 0)
    return mixed(picture, any_ink(inks, dice), (frame * (dice(n, 1, 1) < 0.8))[:, None])


def lettered(picture: torch.Tensor, inks: torch.Tensor, plan: Plan, dice: Dice) -> torch.Tensor:
    """A bar at the top or at the bottom with strokes on it that look like a line or two of capitals."""
    n = len(picture)
    line = torch.arange(SIDE, device=dice.device) + 0.5
    x, y = line.view(1, 1, SIDE), line.view(1, SIDE, 1)
    start = torch.where(plan.above, plan.margin, SIDE - plan.margin - plan.bar)
    down = (y - start) / plan.bar.clamp_min(1)
    inside = (down >= 0) & (down < 1) & (x > plan.margin) & (x < SIDE - plan.margin)
    light, dark = torch.where(dice(n, 1, 1, 1) < 0.6, ink(inks, 0), any_ink(inks, dice)), ink(inks, 1)
    swap = dice.chance(n, 0.3)
    bar, letters = torch.where(swap, dark, light), torch.where(swap, light, dark)
    picture = mixed(picture, bar, inside[:, None].float())
    return mixed(picture, letters, (_strokes(n, x, down, plan, dice) & inside)[:, None].float())


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
