"""What the training scripts share: a clock instead of a step count, learning rates, an average of the weights."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch


def arguments(description: str | None, *, seconds: float, batch: int) -> argparse.ArgumentParser:
    """The options that all training scripts have."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--data", type=Path, default=Path("build/nano"))
    parser.add_argument("--out", type=Path, default=Path("build/nano/trained"))
    parser.add_argument("--seconds", type=float, default=seconds, help="training time after compilation")
    parser.add_argument("--batch", type=int, default=batch)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--every", type=int, default=1, help="use every n-th picture, for trials")
    parser.add_argument("--report", type=int, default=500, help="steps between lines of the log")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=True)
    return parser


@dataclass(slots=True)
class Clock:
    """Trains for `seconds`, not for a number of steps; starts after `warm_up` steps, so compilation is free."""

    seconds: float
    warm_up: int = 5
    steps: int = 0
    started: float | None = None

    def laps(self) -> Iterator[float]:
        """The share of the time that has passed, 0 to 1, once a step."""
        while (share := self._share()) < 1:
            yield share
            self.steps += 1

    def _share(self) -> float:
        if self.steps < self.warm_up:
            return 0.0
        if self.started is None:
            self.started = time.monotonic()
        return (time.monotonic() - self.started) / self.seconds


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def prepare(seed: int) -> torch.Generator:
    """Set up the machine; returns the generator of everything random on the device."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True
    torch.backends.cudnn.benchmark = True
    torch.manual_seed(seed)  # initial weights are drawn from the default generator
    return torch.Generator(device()).manual_seed(seed)


def cosine(share: float, peak: float, step: int, *, warm_up: int = 200, flat_until: float = 0.0) -> float:
    """Learning rate: linear warm-up over steps, flat to a share of the time, then a cosine down to 1% of the peak."""
    late = min(1.0, max(0.0, (share - flat_until) / (1 - flat_until)))
    return peak * min(1.0, (step + 1) / warm_up) * (0.5 * (1 + math.cos(math.pi * late)) * 0.99 + 0.01)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """The rate of every group of weights, times its own factor where it has one."""
    for group in optimizer.param_groups:
        group["lr"] = rate * group.get("times", 1.0)


@torch.no_grad()
def follow(average: list[torch.Tensor], weights: list[torch.Tensor], step: int, decay: float) -> None:
    """Exponential moving average of the weights, faster at the start."""
    torch._foreach_lerp_(average, weights, 1 - min(decay, (1 + step) / (10 + step)))
