"""How well a number tells two kinds of pictures apart."""

import numpy as np
from numpy.typing import ArrayLike


def auroc(higher: ArrayLike, lower: ArrayLike) -> float:
    """Area under the ROC curve: how often one of `higher` exceeds one of `lower`, a tie counting half.

    1 where all do, 0.5 where the two cannot be told apart, 0 where none does: Wilcoxon's statistic over the
    number of pairs (Hanley and McNeil, Radiology 1982). Raises ValueError where either is empty or holds NaN.
    """
    above, below = (np.asarray(values, np.float64).ravel() for values in (higher, lower))
    if not above.size or not below.size:
        raise ValueError(f"needs values of both kinds, got {above.size} and {below.size}")
    if np.isnan(above).any() or np.isnan(below).any():
        raise ValueError("a value is NaN; leave out what was not measured")
    ordered = np.sort(below)
    wins = np.searchsorted(ordered, above, "left") + np.searchsorted(ordered, above, "right")
    return float(wins.sum() / (2 * above.size * below.size))
