"""The mean of an arm, with an interval that knows that cells of one subject resemble each other.

Bias-reduced linearisation (CR2) of Bell and McCaffrey, Survey Methodology 2002, with its Satterthwaite
degrees of freedom, as Pustejovsky and Tipton state it (JBES 2018, arXiv 1601.01981), for the model "all cells
have one mean". There everything has a closed form: the leverage of subject g is h_g = n_g / N, its adjustment
matrix acts on the sum of its residuals as (1 - h_g)^(-1/2), and

    V = sum_g (sum_i e_gi)^2 / (1 - h_g) / N^2

Where all subjects have as many cells this is the t interval of the subjects' means, on clusters - 1 degrees.
"""

from dataclasses import dataclass

import numpy as np

from strikebox.lab.statistics.distributions import t_quantile
from strikebox.lab.statistics.values import Flags, Sample, Values, sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Mean:
    """A mean over cells. None: too little was measured for it."""

    estimate: float | None
    low: float | None  # None with fewer than two subjects
    high: float | None
    level: float
    n: int
    n_missing: int
    clusters: int
    method: str


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean, its standard error and the degrees of freedom of that."""

    mean: float
    error: float
    freedom: float

    def quantile(self, level: float) -> float:
        """What the error is multiplied by in a two-sided interval."""
        return t_quantile(self.freedom, (1 + level) / 2)

    def interval(self, level: float) -> tuple[float, float]:
        half = self.quantile(level) * self.error
        return self.mean - half, self.mean + half


def mean(values: Values | Flags, level: float = 0.95) -> Mean:
    """The mean of `values` with a t interval clustered by subject. For rates see `rates.rate`."""
    measured = sample(values)
    known = spread(measured)
    low, high = (None, None) if known is None else known.interval(level)
    return Mean(
        estimate=float(measured.values.mean()) if measured.size else None,
        low=low,
        high=high,
        level=level,
        n=measured.size,
        n_missing=measured.missing,
        clusters=measured.clusters,
        method=method(known, level),
    )


def spread(measured: Sample) -> Spread | None:
    """Mean, clustered standard error and degrees of freedom; None with fewer than two subjects."""
    if measured.clusters < 2:
        return None
    sizes, total, average = measured.sizes, measured.size, float(measured.values.mean())
    leverage = sizes / total
    residuals = measured.sums(measured.values - average)
    variance = float((np.square(residuals) / (1 - leverage)).sum()) / total**2
    adjustment = (1 - leverage) ** -0.5
    # E[V] under independent cells is tr(M) / N^2; Satterthwaite: degrees of freedom tr(M)^2 / tr(M^2).
    inner = np.diag(sizes) - np.outer(sizes, sizes) / total
    matrix = adjustment[:, None] * inner * adjustment[None, :]
    freedom = float(np.trace(matrix) ** 2 / np.square(matrix).sum())
    return Spread(average, variance**0.5, freedom)


def method(known: Spread | None, level: float) -> str:
    """How the interval came about, in words."""
    if known is None:
        return "no interval: it takes two subjects"
    return f"{level:.0%} t interval clustered by subject (CR2, {known.freedom:.1f} degrees of freedom)"
