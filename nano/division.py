"""How a printed label is divided, and how inks come onto it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from dice import Dice
from world import SIDE

INKS = 5
"""Paper, key and three colours; a palette of fewer has its last one several times."""


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


def ink(inks: torch.Tensor, number: int) -> torch.Tensor:
    return inks[:, number, :, None, None]


def any_ink(inks: torch.Tensor, dice: Dice) -> torch.Tensor:
    """One of the inks but for the paper (n, 3, 1, 1)."""
    number = 1 + (dice(len(inks)) * (INKS - 1)).long()
    return inks[torch.arange(len(inks), device=dice.device), number][..., None, None]


def mixed(under: torch.Tensor, over: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    return under + (over - under) * mask


def step(value: torch.Tensor, sharp: float | torch.Tensor = 1.0) -> torch.Tensor:
    """0 below nought and 1 above it, with a slope of about one pixel."""
    return (value * sharp + 0.5).clamp(0, 1)
