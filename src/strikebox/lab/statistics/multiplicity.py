"""Many questions to one run: p-values that hold for all of them together."""

from collections.abc import Sequence
from math import ceil, log2


def holm(ps: Sequence[float | None]) -> list[float | None]:
    """Holm's adjusted p-values, in the order of `ps`; None stays None and is no question.

    Holm, Scandinavian Journal of Statistics 1979: of m questions the one with the j-th smallest p answers at
    alpha / (m - j + 1), so its adjusted p is the largest of (m - i + 1) p_(i) over i <= j.
    """
    asked = sorted((p, place) for place, p in enumerate(ps) if p is not None)
    adjusted: list[float | None] = [None] * len(ps)
    largest = 0.0
    for done, (p, place) in enumerate(asked):
        largest = max(largest, min(1.0, (len(asked) - done) * p))
        adjusted[place] = largest
    return adjusted


def clusters_needed(contrasts: int, alpha: float = 0.05) -> int:
    """Fewest subjects with which sign flips can reach `alpha` after Holm over `contrasts` questions.

    The smallest of m p-values is multiplied by m, and none is below 2 / 2^clusters.
    """
    # Rounded, because the logarithm of an exact power of two may fall a hair above it.
    return max(1, ceil(round(log2(2 * contrasts / alpha), 9)))
