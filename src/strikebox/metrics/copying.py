"""Do pictures as a whole lie nearer to the training pictures than held-out ones do?

Z_U of Meehan, Chaudhuri and Dasgupta, "A non-parametric test to detect data-copying in generative models",
2020: the Mann-Whitney statistic of distances to the nearest training picture, standardised. Their C_T is its
mean over cells of the picture space; so few pictures as a run has leave one cell, and C_T is Z_U.
"""

from dataclasses import dataclass
from math import erfc, sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from strikebox.metrics.features import Metric
from strikebox.metrics.separation import auroc

METRIC = Metric(
    name="c_t",
    title="Copying as a whole",
    unit="standard deviations; below 0: nearer to training pictures than held-out pictures are",
    better="higher",
    features=("thumbnail", "efficientnet"),
    source="C_T with one cell, Meehan, Chaudhuri and Dasgupta, AISTATS 2020",
)

FEWEST = 3
"""Pictures of either kind with which there is a figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """C_T of some pictures. Below 0: copying; above 0: farther from the training set than the style is."""

    z: float
    p: float  # one-sided, of "no nearer than held-out pictures", by the normal approximation
    generated: int
    held_out: int


def c_t(generated: ArrayLike, held_out: ArrayLike) -> Copying | None:
    """C_T from how alike each picture (n,) and each held-out one (k,) is to its nearest training picture.

    The greater, the more alike. None with fewer than 3 of either, or where all are equally alike.
    """
    made, kept = np.asarray(generated, np.float64), np.asarray(held_out, np.float64)
    if min(len(made), len(kept)) < FEWEST or np.ptp(np.concatenate([made, kept])) == 0:
        return None
    # U counts the pairs in which the generated picture is the farther one.
    u, pairs = auroc(kept, made) * len(made) * len(kept), len(made) * len(kept)
    z = (u - pairs / 2) / sqrt(pairs * _spread(np.concatenate([made, kept])))
    return Copying(z=z, p=erfc(-z / sqrt(2)) / 2, generated=len(made), held_out=len(kept))


def _spread(together: NDArray[np.float64]) -> float:
    """Variance of U under the null, by the number of pairs; ties make it smaller."""
    count = len(together)
    tied = np.unique(together, return_counts=True)[1].astype(np.float64)
    return (count + 1) / 12 * (1 - float((tied**3 - tied).sum()) / (count**3 - count))
