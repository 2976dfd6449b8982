"""Conformal p-values: how often is a held-out picture as extreme as this one?

    p = (1 + number of held-out scores that are as high) / (n + 1)

Valid whatever the scores are, if held-out pictures and those that are tested could change places. Benjamini
and Hochberg's procedure on such p-values controls the false-discovery rate (Bates, Candes, Lei, Romano and
Sesia, "Testing for outliers with conformal p-values", 2021).

No p is below 1 / (n + 1). So a single extreme picture among many tests cannot be flagged with few held-out
ones, however extreme it is; `least_flagged` and `held_out_needed` say what it takes.
"""

from math import ceil

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float64]

_ROUNDING = 1e-9
_TAIL = 0.2  # share of the held-out scores that their tail is fitted to


def p_values(scores: ArrayLike, held_out: ArrayLike) -> Vector:
    """p of each of `scores` (t,) against `held_out` (n,): small where a score is high."""
    ordered = np.sort(np.asarray(held_out, np.float64))
    as_high = len(ordered) - np.searchsorted(ordered, np.asarray(scores, np.float64), "left")
    return (1 + as_high) / (len(ordered) + 1)


def joint_p_values(scores: ArrayLike, held_out: ArrayLike) -> Vector:
    """p of pictures that are scored in d ways each, by their highest `rarity`.

    `scores` (d, t), `held_out` (d, n). For each test its own scores take part in finding what is rare, just
    like the held-out ones, so that all n + 1 could change places and p stays valid. With d = 1 it is
    `p_values`. Raises ValueError where there is no held-out score.
    """
    tested, calibrating = np.asarray(scores, np.float64), np.asarray(held_out, np.float64)
    if not calibrating.size:
        raise ValueError("needs held-out scores to compare with")
    together = (np.append(calibrating, one[:, None], axis=1) for one in tested.T)
    return np.array([_share_as_high(rarity(some, some).max(axis=0)) for some in together], np.float64)


def rarity(scores: Vector, held_out: Vector) -> Vector:
    """How rare such scores (d, t) are by the tails of `held_out` (d, n): 3 is one in e^3, which is 20.

    Beyond the held-out scores it extrapolates an exponential tail, fitted to the highest fifth of them. It
    makes ways of scoring comparable and ranks what has the smallest p; by itself it is no test.
    """
    start, excess = _tail(held_out)
    return (scores - start[:, None]) / excess[:, None] - np.log(_TAIL)


def unit(held_out: Vector) -> Vector:
    """What makes a score (d,) rarer by 1."""
    return _tail(held_out)[1]


def _tail(held_out: Vector) -> tuple[Vector, Vector]:
    """Where the highest fifth of each row begins, and its mean beyond that, never 0."""
    ordered = np.sort(held_out, axis=1)
    count = max(1, round(ordered.shape[1] * _TAIL))
    start = ordered[:, max(0, ordered.shape[1] - count - 1)]
    return start, np.maximum((ordered[:, -count:] - start[:, None]).mean(axis=1), _ROUNDING)


def _share_as_high(scores: Vector) -> float:
    """As the last one, itself included."""
    return float((scores >= scores[-1] - _ROUNDING).mean())


def q_values(p: ArrayLike) -> Vector:
    """The least false-discovery rate at which each of `p` (t,) is flagged (Benjamini and Hochberg, 1995)."""
    values = np.asarray(p, np.float64)
    order = np.argsort(-values, kind="stable")
    ranks = np.arange(len(values), 0, -1)
    q = np.empty_like(values)
    q[order] = np.minimum.accumulate(values[order] * len(values) / ranks).clip(max=1)
    return q


def fewest(level: float) -> int:
    """Held-out pictures without which no p is at most `level`: 19 for 0.05."""
    return max(1, ceil(1 / level - _ROUNDING) - 1)


def least_flagged(held_out: int, tests: int, level: float) -> int:
    """How many of `tests` must have the smallest p before any of them is flagged at `level`."""
    return max(1, ceil(tests / (level * (held_out + 1)) - _ROUNDING))


def held_out_needed(flagged: int, tests: int, level: float) -> int:
    """Held-out pictures with which `flagged` extreme ones of `tests` are flagged at `level`."""
    return max(1, ceil(tests / (level * flagged) - _ROUNDING) - 1)
