"""An arm minus another, paired on subject and seed: how large is the difference, and could it be chance?"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from strikebox.lab.statistics import intervals
from strikebox.lab.statistics.multiplicity import holm
from strikebox.lab.statistics.signflips import SignFlips, sign_flips
from strikebox.lab.statistics.values import Sample, Values, pairs


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """A paired difference. None: too little was measured for it."""

    estimate: float | None
    low: float | None
    high: float | None
    level: float
    effect: float | None  # estimate / standard deviation of the differences; None where they do not differ
    p: float | None  # two-sided, by subject
    p_cells: float | None  # two-sided, as if cells were independent: a reader's guide, never the verdict
    p_holm: float | None = None  # `p` after Holm; None until `adjusted`
    smallest_p: float | None  # that this many subjects can give
    n_pairs: int
    n_missing: int  # cells that one of the two lacks
    clusters: int
    method: str


def contrast(
    arm: Values, other: Values, generator: np.random.Generator, level: float = 0.95, draws: int = 9_999
) -> Contrast:
    """`arm` minus `other`, paired on subject and seed.

    The interval is a t interval clustered by subject; `p` flips the signs of subjects, all ways up to 12
    subjects, else `draws` random ones; `p_cells` flips those of single cells. Raises ValueError on NaN.
    """
    differences = pairs(arm, other)
    known = intervals.spread(differences)
    low, high = (None, None) if known is None else known.interval(level)
    by_subject, by_cell = _tests(differences, generator, draws)
    return Contrast(
        estimate=float(differences.values.mean()) if differences.size else None,
        low=low,
        high=high,
        level=level,
        effect=_effect(differences),
        p=None if by_subject is None else by_subject.p,
        p_cells=None if by_cell is None else by_cell.p,
        smallest_p=None if by_subject is None else by_subject.smallest,
        n_pairs=differences.size,
        n_missing=differences.missing,
        clusters=differences.clusters,
        method=f"mean difference; {intervals.method(known, level)}; {p_words(by_subject)}",
    )


def compare(
    arms: Mapping[str, Values],
    baseline: str,
    generator: np.random.Generator,
    level: float = 0.95,
    draws: int = 9_999,
) -> dict[str, Contrast]:
    """Each arm minus `baseline`, with Holm over all of them. Raises KeyError without the baseline."""
    base = arms[baseline]
    return adjusted(
        {
            name: contrast(values, base, generator, level, draws)
            for name, values in arms.items()
            if name != baseline
        }
    )


def adjusted(contrasts: Mapping[str, Contrast]) -> dict[str, Contrast]:
    """The same contrasts with `p_holm` over all of them."""
    ps = holm([found.p for found in contrasts.values()])
    return {name: replace(found, p_holm=p) for (name, found), p in zip(contrasts.items(), ps, strict=True)}


def p_words(by_subject: SignFlips | None) -> str:
    """How the p-value came about."""
    if by_subject is None:
        return "no p: nothing was measured"
    kind = f"all {by_subject.flips:,}" if by_subject.exact else f"{by_subject.flips:,} random"
    return f"p by {kind} sign flips of subjects; p_cells as if cells were independent"


def _tests(
    differences: Sample, generator: np.random.Generator, draws: int
) -> tuple[SignFlips | None, SignFlips | None]:
    if not differences.size:
        return None, None
    by_subject = sign_flips(differences.sums(differences.values), generator, draws)
    return by_subject, sign_flips(differences.values, generator, draws)


def _effect(differences: Sample) -> float | None:
    if differences.size < 2:
        return None
    deviation = float(differences.values.std(ddof=1))
    return float(differences.values.mean()) / deviation if deviation > 0 else None
