"""Permutation tests: how often would chance do as well, if labels could as well lie otherwise?

Where there are few ways to lay them, all are tried and p is exact; else a sample of them is, and

    p = (b + 1) / (m + 1)

with b of m as large as what was observed or larger (Phipson and Smyth, "Permutation p-values should never be
zero", 2010). Under the null p is uniform, or larger where values tie.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, permutations, product
from math import factorial, prod

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Order = NDArray[np.intp]  # (n,) a permutation of 0 to n - 1
Labels = Sequence[int] | Sequence[str] | NDArray[np.int64]

DRAWS = 9_999
MOST_EXACT = 10_000
_ROUNDING = 1e-9  # relative: what two orders of adding may differ by


@dataclass(frozen=True, slots=True, kw_only=True)
class Permuted:
    """A one-sided permutation test: large values speak against the null."""

    observed: float
    p: float
    smallest_p: float  # no smaller one can come of as many ways
    ways: int  # that were tried, the observed one included
    exact: bool  # all of them, not a sample


def within_groups(
    statistic: Callable[[Order], float], groups: Labels, generator: Generator, draws: int = DRAWS
) -> Permuted:
    """Test `statistic` of an order of n things against orders that only change places within a group.

    `groups` (n,) says which group each belongs to. Null: within each group all orders are equally likely.
    What was observed is the statistic of the unchanged order.
    """
    members = [np.flatnonzero(np.asarray(groups) == group) for group in np.unique(groups)]
    exact = ways_within(groups) <= MOST_EXACT
    orders = _all_orders(members) if exact else _random_orders(members, generator, draws)
    observed = statistic(np.arange(len(groups)))
    return summary(observed, np.array([statistic(order) for order in orders]), exact)


def ways_within(groups: Labels) -> int:
    """In how many ways n things can change places within their groups."""
    return prod(factorial(size) for size in np.unique(groups, return_counts=True)[1].tolist())


def signs(count: int, generator: Generator, draws: int = DRAWS) -> tuple[NDArray[np.float64], bool]:
    """Ways (ways, count) to turn the signs of `count` things, 1 or -1, and whether these are all there are.

    All of them hold the unturned way; a sample need not.
    """
    if 2**count > MOST_EXACT:
        return generator.choice([-1.0, 1.0], (draws, count)), False
    return np.array(list(product((1.0, -1.0), repeat=count))), True


def summary(observed: float, under_null: NDArray[np.float64], exact: bool) -> Permuted:
    """The test, given the statistic in other ways: if `exact`, in all of them, the observed one included."""
    tolerance = _ROUNDING * max(abs(observed), float(np.abs(under_null).max(initial=0.0)))
    as_large = int((under_null >= observed - tolerance).sum())
    ways = len(under_null) if exact else len(under_null) + 1
    return Permuted(
        observed=observed,
        p=(as_large if exact else as_large + 1) / ways,
        smallest_p=1 / ways,
        ways=ways,
        exact=exact,
    )


def _all_orders(members: Sequence[Order]) -> Iterator[Order]:
    places = np.concatenate(members)
    for parts in product(*(permutations(group.tolist()) for group in members)):
        yield _order(places, np.fromiter(chain.from_iterable(parts), np.intp))


def _random_orders(members: Sequence[Order], generator: Generator, draws: int) -> Iterator[Order]:
    places = np.concatenate(members)
    for _ in range(draws):
        yield _order(places, np.concatenate([generator.permutation(group) for group in members]))


def _order(places: Order, values: Order) -> Order:
    order = np.empty(len(places), np.intp)
    order[places] = values
    return order
