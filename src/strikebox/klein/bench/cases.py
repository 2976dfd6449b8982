"""The cases of a benchmark by name: who makes the pictures, and of which recipes."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

from strikebox.klein.backend import KleinBackend
from strikebox.klein.bench.ours import Ours
from strikebox.klein.bench.stock import FairSandwich, StockSandwich
from strikebox.klein.bench.work import (
    Work,
    distilled,
    gated,
    guided_in,
    smaller_first_pass,
    variants,
)
from strikebox.klein.speed.options import Options
from strikebox.klein.weights import Weights
from strikebox.recipe import Recipe


class Maker(Protocol):
    """Makes the pictures of a case."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is to be known of how it does that."""
        ...

    def __call__(self, side: int, seeds: Sequence[int]) -> list[bytes]:
        """PNG files of pictures of `side` px."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What makers are built from."""

    weights: Weights
    lora: Path | None
    scheduler: FlowMatchEulerDiscreteScheduler
    device: torch.device
    work: Work


Build = Callable[[Setting], Maker]


def _ours(options: Options, recipes: Callable[[Work], Sequence[Recipe]]) -> Build:
    def build(setting: Setting) -> Maker:
        backend = KleinBackend(setting.weights, setting.lora, options, setting.device)
        return Ours(backend, recipes(setting.work), setting.work)

    return build


def _sandwich(work: Work) -> Sequence[Recipe]:
    return [work.recipe()]


def _small(share: float) -> Callable[[Work], Sequence[Recipe]]:
    return lambda work: [smaller_first_pass(work.recipe(), share)]


def _reduced(work: Work) -> Sequence[Recipe]:
    """Pass 1 at a quarter of the side, guidance where it steers most."""
    return [guided_in(smaller_first_pass(work.recipe(), 0.25), 0.3, 0.97)]


def _gated(work: Work) -> Sequence[Recipe]:
    return [gated(work.recipe(), 0.8)]


def _four_steps(work: Work) -> Sequence[Recipe]:
    return [distilled(work.recipe(), 4)]


_EXACT, _EIGHT, _NEAR = (Options(speed=speed) for speed in ("exact", "quantised", "approximate"))

CASES: Mapping[str, Build] = {
    "stock": lambda s: StockSandwich(s.weights, s.lora, s.scheduler, s.work),
    "fair": lambda s: FairSandwich(s.weights, s.lora, s.scheduler, s.work),
    "plain": _ours(Options(), _sandwich),
    "exact": _ours(_EXACT, _sandwich),
    "quantised": _ours(_EIGHT, _sandwich),
    "half-pass-1": _ours(_EXACT, _small(0.5)),
    "gated": _ours(_EXACT, _gated),
    "four-step-pass-2": _ours(_EXACT, _four_steps),
    "approximate": _ours(_NEAR, _sandwich),
    "approximate-half-pass-1": _ours(_NEAR, _small(0.5)),
    "approximate-quarter-pass-1": _ours(_NEAR, _small(0.25)),
    "approximate-gated": _ours(_NEAR, _gated),
    "approximate-reduced": _ours(_NEAR, _reduced),
    "approximate-ultra-reduced": _ours(replace(_NEAR, reuse="ultra"), _reduced),
    "grid-1": _ours(_EXACT, lambda work: variants(work.recipe(), 1)),
    "grid-4": _ours(_EXACT, lambda work: variants(work.recipe(), 4)),
}
"""Names to what builds them. grid-N: N second passes over one first one."""

TIERS = ("stock", "fair", "plain", "exact", "quantised", "approximate")
