"""Is the mean difference zero? If it were, each cluster's sum would be as likely with the other sign.

Fisher's randomisation, with clusters in place of plants: exact in finite samples whatever the distribution,
as long as it is symmetric (Canay, Romano and Shaikh, Econometrica 2017, randomisation tests under approximate
symmetry, for few clusters).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strikebox.lab.statistics.values import Vector

MOST_EXACT = 12  # clusters: up to 2^12 flips are all made
DRAWS = 9_999
_ROUNDING = 1e-9  # of the sum of absolute values: what two orders of adding may differ by
_AT_ONCE = 2**21  # signs in memory


@dataclass(frozen=True, slots=True)
class SignFlips:
    """A two-sided test by sign flips."""

    p: float
    smallest: float  # no data of this size can give a smaller p
    flips: int
    exact: bool  # all flips, not a draw of them


def smallest_p(clusters: int, draws: int = DRAWS) -> float:
    """The smallest p that two-sided sign flips can give: at least 2 of 2^clusters flips are as extreme."""
    if clusters > MOST_EXACT:
        return max(2.0 ** (1 - clusters), 1 / (draws + 1))
    return min(1.0, 2.0 ** (1 - clusters))


def sign_flips(sums: Vector, generator: np.random.Generator, draws: int = DRAWS) -> SignFlips:
    """Test that the total of `sums` (clusters,) is zero. Raises ValueError without any."""
    clusters = len(sums)
    if not clusters:
        raise ValueError("sign flips need at least one cluster")
    seen = abs(float(sums.sum())) - _ROUNDING * float(np.abs(sums).sum())
    if clusters <= MOST_EXACT:
        p = float((_totals(sums, _all_signs(clusters)) >= seen).mean())
        return SignFlips(p, smallest_p(clusters), 2**clusters, True)
    rows = max(1, _AT_ONCE // clusters)
    extreme = 0
    for start in range(0, draws, rows):
        positive = generator.integers(0, 2, (min(rows, draws - start), clusters), dtype=np.int8)
        extreme += int((_totals(sums, positive) >= seen).sum())
    # Phipson and Smyth, SAGMB 2010: the seen flip is one of those drawn, so p is never 0.
    return SignFlips((extreme + 1) / (draws + 1), smallest_p(clusters, draws), draws, False)


def _totals(sums: Vector, positive: NDArray[np.int8]) -> Vector:
    """Absolute total for each row of signs, 1 for plus and 0 for minus."""
    return np.abs(2 * (positive.astype(np.float64) @ sums) - sums.sum())


def _all_signs(clusters: int) -> NDArray[np.int8]:
    """All signs of `clusters` but those that differ from others by a flip of everything."""
    numbers = np.arange(2 ** (clusters - 1), dtype=np.int64)
    return ((numbers[:, None] >> np.arange(clusters)) & 1).astype(np.int8)
