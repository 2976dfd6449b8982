"""No loss: an arm that is not worse than another by more than a margin.

Two one-sided tests at alpha (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 1987), on the
clustered t of `intervals`. Both reject exactly where the 1 - 2 alpha interval lies within the margin; the p
of equivalence is the larger of the two.
"""

from dataclasses import dataclass
from typing import Literal

from strikebox.lab.statistics import intervals
from strikebox.lab.statistics.distributions import t_below
from strikebox.lab.statistics.values import Sample, Values, pairs

Verdict = Literal["equivalent", "no loss", "loss", "undecided"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Equivalence:
    """Whether a difference is small enough not to matter. None: too little was measured for it."""

    verdict: Verdict
    estimate: float | None  # arm minus other
    low: float | None  # of the 1 - 2 alpha interval
    high: float | None
    margin: float
    alpha: float
    p: float | None  # of "as different as the margin, either way"
    p_no_loss: float | None  # of "worse by the margin or more"
    n_pairs: int
    n_missing: int
    clusters: int
    method: str


def equivalence(
    arm: Values,
    other: Values,
    margin: float,
    better: Literal["higher", "lower"] = "higher",
    alpha: float = 0.05,
) -> Equivalence:
    """Is `arm` as good as `other`, but for `margin` in the metric's unit, paired on subject and seed?

    equivalent: neither worse nor better by the margin. no loss: not worse by it, perhaps better. loss: worse
    by more than it. Raises ValueError on a margin that is not above 0.
    """
    if not margin > 0:
        raise ValueError(f"margin: is {margin}; it lies above 0")
    differences = pairs(arm, other)
    known = intervals.spread(differences)
    low, high = (None, None) if known is None else known.interval(1 - 2 * alpha)
    sign = 1 if better == "higher" else -1
    not_worse = _p_above(differences, known, -margin, sign)
    not_better = _p_above(differences, known, -margin, -sign)
    worse = _p_above(differences, known, margin, -sign)
    return Equivalence(
        verdict=_verdict(not_worse, not_better, worse, alpha),
        estimate=float(differences.values.mean()) if differences.size else None,
        low=low,
        high=high,
        margin=margin,
        alpha=alpha,
        p=None if not_worse is None or not_better is None else max(not_worse, not_better),
        p_no_loss=not_worse,
        n_pairs=differences.size,
        n_missing=differences.missing,
        clusters=differences.clusters,
        method=f"two one-sided tests at {alpha:g}; {intervals.method(known, 1 - 2 * alpha)}",
    )


def _p_above(
    differences: Sample, known: intervals.Spread | None, bound: float, sign: Literal[1, -1]
) -> float | None:
    """One-sided p of "sign x mean <= bound"."""
    if known is None:
        return None
    distance = sign * known.mean - bound
    if known.error == 0:
        # No spread, no t: were the mean at the bound, all subjects would be above it once in 2^clusters.
        return 0.5**differences.clusters if distance > 0 else 1.0
    return t_below(known.freedom, -distance / known.error)


def _verdict(not_worse: float | None, not_better: float | None, worse: float | None, alpha: float) -> Verdict:
    if not_worse is None or not_better is None or worse is None:
        return "undecided"
    if not_worse <= alpha:
        return "equivalent" if not_better <= alpha else "no loss"
    return "loss" if worse <= alpha else "undecided"
