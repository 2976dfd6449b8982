from collections.abc import Callable
from itertools import permutations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from strikebox.metrics import permutation
from strikebox.metrics.permutation import Order, Permuted, signs, summary, ways_within, within_groups


def first_half(values: NDArray[np.float64]) -> Callable[[Order], float]:
    """Mean of what lies in the first half."""
    return lambda order: float(values[order][: len(values) // 2].mean())


def test_all_orders_are_tried_where_they_are_few() -> None:
    values = np.array([3.0, 1.0, 2.0, 5.0, 4.0])
    test = within_groups(first_half(values), [0] * 5, np.random.default_rng(0))
    by_hand = [np.mean(order[:2]) for order in permutations(values)]
    assert test.exact
    assert test.ways == len(by_hand) == 120
    assert test.p == np.mean(np.array(by_hand) >= 2.0)


def test_things_change_places_within_their_group_alone() -> None:
    groups, seen = np.array([7, 3, 7, 3, 3]), []

    def record(order: Order) -> float:
        seen.append(tuple(order.tolist()))
        return 0.0

    test = within_groups(record, groups, np.random.default_rng(0))
    assert test.ways == ways_within(groups) == 12
    assert len(set(seen[1:])) == 12
    assert all((groups[list(order)] == groups).all() for order in seen)


def test_a_sample_of_orders_agrees_with_all_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    values, groups = rng.normal(size=12), np.repeat([0, 1, 2], 4)
    sampled = within_groups(first_half(values), groups, rng)
    monkeypatch.setattr(permutation, "MOST_EXACT", 24**3)
    exact = within_groups(first_half(values), groups, rng)
    assert (sampled.ways, sampled.exact) == (10_000, False)
    assert (exact.ways, exact.exact) == (24**3, True)
    assert sampled.p == pytest.approx(exact.p, abs=3 * np.sqrt(exact.p / 9_999))


def test_p_counts_what_was_observed_and_is_never_zero() -> None:
    expected = Permuted(observed=5.0, p=1 / 100, smallest_p=1 / 100, ways=100, exact=False)
    assert summary(5.0, np.zeros(99), exact=False) == expected
    assert summary(5.0, np.array([5.0, 1, 2, 3]), exact=True).p == 1 / 4


def test_rounding_does_not_part_what_is_equal() -> None:
    assert summary(0.3, np.array([0.1 + 0.2 - 1e-16, 0.3, 0.2]), exact=True).p == pytest.approx(2 / 3)


@pytest.mark.parametrize("count", [0, 1, 5, 13])
def test_few_signs_are_all_turned(count: int) -> None:
    ways, exact = signs(count, np.random.default_rng(0))
    assert exact
    assert ways.shape == (2**count, count)
    assert len(np.unique(ways, axis=0)) == 2**count
    assert (ways[0] == 1).all()


def test_many_signs_are_drawn() -> None:
    ways, exact = signs(40, np.random.default_rng(0), draws=2_000)
    assert not exact
    assert set(np.unique(ways)) == {-1.0, 1.0}
    assert abs(ways.mean()) < 0.02


@pytest.mark.parametrize("groups", [[0] * 6, [0, 0, 0, 1, 1, 1, 2, 2, 2]])
def test_p_is_uniform_under_the_null(groups: list[int]) -> None:
    rng = np.random.default_rng(2)
    weights = rng.normal(size=len(groups))

    def weighed(values: NDArray[np.float64]) -> Callable[[Order], float]:
        return lambda order: float(values[order] @ weights)

    ps = [within_groups(weighed(rng.normal(size=len(groups))), groups, rng).p for _ in range(300)]
    assert stats.kstest(ps, "uniform").pvalue > 0.01


def test_a_sampled_p_is_uniform_under_the_null() -> None:
    rng = np.random.default_rng(3)
    ps = [within_groups(first_half(rng.normal(size=16)), [0] * 16, rng, draws=99).p for _ in range(300)]
    assert stats.kstest(ps, "uniform").pvalue > 0.01
