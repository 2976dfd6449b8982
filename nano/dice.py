"""Chance: uniform numbers, shares and orders from one generator."""

from __future__ import annotations

import torch


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
