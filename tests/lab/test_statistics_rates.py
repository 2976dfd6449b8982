"""Rates against scipy, published formulas and edges."""

import numpy as np
import pytest
from scipy import stats

from strikebox.lab.statistics import clopper_pearson, rate, rate_contrast, upper_bound, wilson
from strikebox.lab.statistics.rates import mcnemar


def flags(*rows: str) -> dict[tuple[str, int], bool | None]:
    """One subject a row; 1, 0, or . for missing."""
    return {
        (f"s{i}", j): None if c == "." else c == "1" for i, row in enumerate(rows) for j, c in enumerate(row)
    }


@pytest.mark.parametrize(("hits", "n"), [(0, 15), (1, 15), (7, 15), (15, 15), (3, 299), (1, 1)])
def test_wilson_and_clopper_pearson_are_those_of_scipy(hits: int, n: int) -> None:
    test = stats.binomtest(hits, n)
    for ours, method in ((wilson(hits, n), "wilson"), (clopper_pearson(hits, n), "exact")):
        theirs = test.proportion_ci(0.95, method)
        assert ours == pytest.approx((theirs.low, theirs.high), abs=1e-12)
    assert clopper_pearson(hits, n, 0.8) == pytest.approx(tuple(test.proportion_ci(0.8, "exact")))


def test_no_leak_in_75_still_allows_3_9_percent_and_1_percent_takes_299() -> None:
    assert upper_bound(0, 75) == pytest.approx(1 - 0.05 ** (1 / 75)) == pytest.approx(0.039, abs=5e-4)
    assert upper_bound(0, 299) < 0.01 < upper_bound(0, 298)
    assert upper_bound(15, 15) == 1


@pytest.mark.parametrize(("hits", "n"), [(-1, 5), (6, 5), (0, 0)])
def test_what_is_no_rate(hits: int, n: int) -> None:
    for interval in (wilson, clopper_pearson, upper_bound):
        with pytest.raises(ValueError, match="is no rate"):
            interval(hits, n)


def test_a_rate_counts_what_was_measured() -> None:
    found = rate(flags("110", "1.0", "000", "010"))
    assert (found.hits, found.n, found.n_missing, found.clusters) == (4, 11, 1, 4)
    assert found.estimate == pytest.approx(4 / 11)
    assert (found.exact_low, found.exact_high) == clopper_pearson(4, 11)
    assert found.at_most == upper_bound(4, 11)
    assert found.low is not None and found.high is not None
    assert 0 < found.low < 4 / 11 < found.high < 1


def test_cells_that_agree_within_subjects_count_for_fewer() -> None:
    mixed = rate(flags("10", "01", "10", "01", "10", "01"))
    agreed = rate(flags("11", "00", "11", "00", "11", "00"))
    assert mixed.estimate == agreed.estimate == 0.5
    assert mixed.design_effect == 0 and agreed.design_effect == pytest.approx(2 * 11 / 10)
    assert mixed.low is not None and agreed.low is not None and agreed.low < mixed.low


def test_a_rate_of_nothing_and_of_all() -> None:
    none = rate(flags("000", "000"))
    assert (none.estimate, none.low, none.design_effect) == (0, 0, None)
    assert none.high is not None and none.exact_high is not None and none.high > none.exact_high
    every = rate(flags("111", "111"))
    assert (every.high, every.exact_high, every.at_most) == (1, 1, 1)
    unknown = rate(flags("...", "..."))
    assert (unknown.estimate, unknown.low, unknown.at_most, unknown.n_missing) == (None, None, None, 6)


def test_one_subject_is_no_cluster() -> None:
    found = rate(flags("110"))
    assert (found.low, found.high) == pytest.approx(wilson(2, 3))
    assert "as if cells were independent" in found.method


@pytest.mark.parametrize(("only_arm", "only_other"), [(0, 0), (1, 0), (6, 1), (5, 5), (0, 9)])
def test_mcnemar_is_the_binomial_test_of_the_cells_that_differ(only_arm: int, only_other: int) -> None:
    arm = np.array([1.0] * only_arm + [0.0] * only_other + [1.0, 0.0])
    other = np.array([0.0] * only_arm + [1.0] * only_other + [1.0, 0.0])
    differing = only_arm + only_other
    expected = stats.binomtest(only_arm, differing).pvalue if differing else 1.0
    assert mcnemar(arm, other) == pytest.approx(expected)


def test_a_paired_difference_of_rates() -> None:
    arm, other = flags("111", "110", "11.", "111", "101"), flags("000", "010", "000", "001", "0.0")
    found = rate_contrast(arm, other, np.random.default_rng(0))
    assert (found.n_pairs, found.n_missing, found.clusters) == (13, 2, 5)
    assert found.estimate == pytest.approx(12 / 13 - 2 / 13)
    assert found.p == 0.0625  # all five subjects agree
    assert found.p_cells == pytest.approx(2 * 0.5**10)
    assert found.low is not None and found.high is not None
    assert 0 < found.low < found.estimate < found.high <= 1  # type: ignore[operator]
    back = rate_contrast(other, arm, np.random.default_rng(0))
    assert (back.low, back.high) == pytest.approx((-found.high, -found.low))


def test_newcombes_square_and_add() -> None:
    """The formula of his method 10, on the limits that `rate` gives each arm."""
    arm, other = flags("11", "10", "01", "11", "10", "00"), flags("10", "10", "01", "10", "00", "00")
    one, two = rate(arm), rate(other)
    p, q = 7, 4
    both, neither, n = 4, 5, 12
    excess = both * neither - (p - both) * (q - both)
    phi = max(0.0, excess - n / 2) / np.sqrt(p * (n - p) * q * (n - q))
    down = (one.estimate - one.low, two.high - two.estimate)  # type: ignore[operator]
    expected = (p - q) / n - np.sqrt(down[0] ** 2 - 2 * phi * down[0] * down[1] + down[1] ** 2)
    assert phi > 0
    assert rate_contrast(arm, other, np.random.default_rng(0)).low == pytest.approx(expected)


def test_rates_that_nothing_pairs() -> None:
    found = rate_contrast(flags("1"), flags("."), np.random.default_rng(0))
    assert (found.estimate, found.low, found.p, found.p_cells, found.n_missing) == (None, None, None, None, 1)
