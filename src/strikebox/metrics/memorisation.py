"""Memorisation: which training pictures a LoRA knows better than any picture of the style.

The flow-matching loss of a picture x_0 at noise level sigma, with x_sigma = (1 - sigma) x_0 + sigma noise, is

    |v - (noise - x_0)|^2 = |x_0_hat - x_0|^2 / sigma^2,      x_0_hat = x_sigma - sigma v

(Liu, Gong and Liu 2022, arXiv 2209.03003), so that one Euler step to sigma = 0 tells it. A picture's gap is

    log(loss without the LoRA / loss with it),   the same noise in both, averaged over some sigmas

which is the loss attack on diffusion models (Carlini et al. 2023, arXiv 2301.13188, section 5) with the base
model as the reference that says how hard the picture is (Watson et al. 2022, arXiv 2111.08440). A style LoRA
has a gap on every picture of its style, so no gap is memory by itself: the gaps of held-out pictures say how
far style goes, by conformal p-values, and Benjamini and Hochberg bound the share of false findings.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, inf, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strikebox.metrics import conformal, separation

Vector = NDArray[np.float64]
Values = NDArray[np.float32]  # latents: (channels, height, width), normalised

LEVEL = 0.05
_NORMAL = 1.959963984540054  # two-sided 95%
_HALVINGS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Separation:
    """How well a number tells training from held-out pictures; the interval has 95%."""

    auroc: float  # 0.5: not at all, 1: every training picture exceeds every held-out one
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tested:
    """Which of n training pictures are memorised."""

    p: Vector  # conformal, at least 1 / (held-out pictures + 1)
    q: Vector  # after Benjamini and Hochberg
    memorised: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Memorisation:
    """The outcome. Exactly one of `tested` and `reason` is there; `reason` says what it takes."""

    membership: Separation | None  # of the gap; None without held-out pictures
    tested: Tested | None
    reason: str | None
    notes: tuple[str, ...]  # what so many held-out pictures cannot tell


def noisy(clean: Values, noise: Values, sigma: float) -> Values:
    """x_sigma of latents and noise of one shape, 0 <= sigma <= 1."""
    return ((1 - sigma) * clean + sigma * noise).astype(np.float32)


def loss(restored: Values, clean: Values, sigma: float) -> float:
    """Mean squared error of the velocity, from `restored`: where one Euler step from `sigma` to 0 ends.

    Raises ValueError where sigma is 0: without noise there is nothing to restore.
    """
    if not 0 < sigma <= 1:
        raise ValueError(f"sigma {sigma} must lie above 0 and at most at 1")
    return float(np.square((restored.astype(np.float64) - clean) / sigma).mean())


def gaps(without: ArrayLike, with_lora: ArrayLike) -> Vector:
    """Gaps (n,) of losses (n, sigmas) without and with the LoRA: 0.69 where it halves them.

    Raises ValueError where a loss is not positive and finite.
    """
    base, own = (np.asarray(losses, np.float64) for losses in (without, with_lora))
    if not (np.isfinite(base) & np.isfinite(own) & (base > 0) & (own > 0)).all():
        raise ValueError("losses must be positive and finite; leave out what was not measured")
    return np.log(base / own).mean(axis=1)


def judge(training: ArrayLike, held_out: ArrayLike, level: float = LEVEL) -> Memorisation:
    """What gaps (t,) of training pictures mean beside those (n,) of held-out ones.

    Raises ValueError where there is no training picture, or a gap is NaN.
    """
    own, others = (np.asarray(values, np.float64) for values in (training, held_out))
    if not own.size:
        raise ValueError("needs at least one training picture")
    needed = conformal.fewest(level)
    enough = others.size >= needed
    return Memorisation(
        membership=separate(own, others) if others.size else None,
        tested=_tested(own, others, level) if enough else None,
        reason=None if enough else _too_few(others.size, needed),
        notes=_notes(others.size, own.size, level) if enough else (),
    )


def separate(higher: ArrayLike, lower: ArrayLike) -> Separation:
    """AUROC of two kinds of independent values, with a score interval that stays within 0 and 1.

    The limits are the areas A from which the estimate lies 1.96 standard errors away, each at its own error:

        var(A) = A (1 - A) / (m n) (1 + ((m + n) / 2 - 1) ((1 - A) / (2 - A) + A / (1 + A)))

    (Hanley and McNeil, Radiology 1982; both sizes replaced by their mean and solved for A: method 5 of
    Newcombe, Statistics in Medicine 2006, 25, 559-573). Raises ValueError as `separation.auroc` does.
    """
    area = separation.auroc(higher, lower)
    m, n = np.size(higher), np.size(lower)

    def away(limit: float) -> float:
        error = sqrt(_variance(limit, m, n))
        return abs(area - limit) / error if error else (inf if limit != area else 0.0)

    return Separation(auroc=area, low=_limit(away, area, 0.0), high=_limit(away, area, 1.0))


def lowered(gap: float) -> float:
    """The share by which the LoRA lowers the loss where the gap is this; below 0 it raises it."""
    return 1 - exp(-gap)


def _variance(area: float, m: int, n: int) -> float:
    half = (m + n) / 2 - 1
    return area * (1 - area) * (1 + half * ((1 - area) / (2 - area) + area / (1 + area))) / (m * n)


def _limit(away: Callable[[float], float], area: float, end: float) -> float:
    """Between `area` and `end`, where `away` is 1.96: it rises all the way."""
    near, far = area, end
    for _ in range(_HALVINGS):
        middle = (near + far) / 2
        near, far = (middle, far) if away(middle) < _NORMAL else (near, middle)
    return (near + far) / 2


def _tested(own: Vector, others: Vector, level: float) -> Tested:
    p = conformal.p_values(own, others)
    q = conformal.q_values(p)
    return Tested(p=p, q=q, memorised=q <= level + 1e-9)


def _too_few(held_out: int, needed: int) -> str:
    if not held_out:
        return (
            "a LoRA that has learned a style knows every picture of it better than the base model does, so "
            "gaps alone cannot tell memory from style; give pictures of the style that it was not trained "
            f"on, at least {needed}"
        )
    return (
        f"{held_out} held-out pictures of the style cannot tell memory from style: no p-value could be as "
        f"small as it must be; give at least {needed}"
    )


def _notes(held_out: int, tests: int, level: float) -> tuple[str, ...]:
    least = conformal.least_flagged(held_out, tests, level)
    if least == 1:
        return ()
    alone = conformal.held_out_needed(1, tests, level)
    note = (
        f"With {held_out:,} held-out pictures, fewer than {least:,} memorised ones among {tests:,} training "
        f"pictures cannot be told from chance; {alone:,} held-out pictures would show a single one."
    )
    return (note,)
