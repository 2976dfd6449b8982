"""Estimates, contrasts and equivalence against closed forms and brute force; coverage is in truths/."""

from itertools import product

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import linalg, stats

from strikebox.lab import statistics
from strikebox.lab.statistics import (
    Values,
    clusters_needed,
    compare,
    contrast,
    equivalence,
    holm,
    mean,
    smallest_p,
)


def generator() -> np.random.Generator:
    return np.random.default_rng(0)


def cells(table: NDArray[np.float64]) -> dict[tuple[str, int], float | None]:
    """Values of (subjects, seeds)."""
    return {(f"s{i}", j): float(value) for i, row in enumerate(table) for j, value in enumerate(row)}


def normal(subjects: int, seeds: int, shift: float = 0.0, rng: int = 1) -> NDArray[np.float64]:
    r = np.random.default_rng(rng)
    return shift + r.normal(size=(subjects, 1)) + r.normal(size=(subjects, seeds))


def test_with_equal_subjects_the_interval_is_the_t_interval_of_their_means() -> None:
    table = normal(5, 3)
    found = mean(cells(table))
    expected = stats.t.interval(0.95, 4, table.mean(), stats.sem(table.mean(axis=1)))
    assert found.estimate == pytest.approx(table.mean())
    assert (found.low, found.high) == pytest.approx(expected)
    assert (found.n, found.n_missing, found.clusters) == (15, 0, 5)
    assert "4.0 degrees of freedom" in found.method


def test_with_unequal_subjects_it_is_cr2_with_satterthwaite() -> None:
    """By matrices, as Bell and McCaffrey define it: A_g = (I - H_gg)^(-1/2), V = sum (x' A_g e_g)^2 / N^2."""
    sizes = [1, 3, 2, 5]
    values = {("abcd"[g], i): float(g + i * i) for g, size in enumerate(sizes) for i in range(size)}
    y, n = np.array(list(values.values())), sum(sizes)
    left_over = np.eye(n) - np.full((n, n), 1 / n)
    rows: list[NDArray[np.float64]] = []
    for g, size in enumerate(sizes):
        own = slice(sum(sizes[:g]), sum(sizes[: g + 1]))
        adjusted = np.asarray(
            linalg.fractional_matrix_power(np.eye(size) - np.full((size, size), 1 / n), -0.5)
        )
        rows.append(np.ones(size) @ adjusted @ left_over[own] / n)
    parts = np.stack(rows)
    error = np.sqrt(np.square(parts @ y).sum())
    inner = parts @ parts.T
    freedom = np.trace(inner) ** 2 / np.square(inner).sum()
    half = stats.t.ppf(0.975, freedom) * error
    found = mean(values)
    assert (found.low, found.high) == pytest.approx((y.mean() - half, y.mean() + half))


def test_missing_cells_are_dropped_and_counted() -> None:
    full = cells(normal(4, 3))
    holes: dict[tuple[str, int], float | None] = {**full, ("s0", 0): None, ("s3", 2): None}
    found = mean(holes)
    assert (found.n, found.n_missing) == (10, 2)
    assert found.estimate == pytest.approx(np.mean([v for v in holes.values() if v is not None]))
    lacking = {cell: v for cell, v in full.items() if cell != ("s1", 1)}
    paired = contrast(holes, lacking, generator())
    assert (paired.n_pairs, paired.n_missing) == (9, 3)
    assert paired.estimate == 0


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="b, seed 2: is nan; what was not measured is None"):
        mean({("a", 1): 1.0, ("b", 2): float("nan")})
    with pytest.raises(ValueError, match="is inf"):
        contrast({("a", 1): float("inf")}, {("a", 1): 0.0}, generator())


def test_too_little_gives_none_never_zero() -> None:
    nothing = mean({("a", 1): None})
    assert (nothing.estimate, nothing.low, nothing.n, nothing.n_missing) == (None, None, 0, 1)
    one = mean({("a", 1): 1.0, ("a", 2): 2.0})
    assert (one.estimate, one.low, one.high) == (1.5, None, None)
    assert "two subjects" in one.method
    unpaired = contrast({("a", 1): 1.0}, {("a", 2): 1.0}, generator())
    assert (unpaired.estimate, unpaired.p, unpaired.p_cells, unpaired.n_missing) == (None, None, None, 2)
    assert equivalence({}, {}, 1.0).verdict == "undecided"


def test_p_counts_all_sign_flips_of_subjects() -> None:
    table = normal(5, 3, shift=0.4)
    sums = table.sum(axis=1)
    flips = [abs(np.dot(signs, sums)) for signs in product((1, -1), repeat=5)]
    expected = np.mean([flip >= abs(sums.sum()) - 1e-9 for flip in flips])
    zero = cells(np.zeros_like(table))
    found = contrast(cells(table), zero, generator())
    assert found.p == pytest.approx(expected)
    assert found.smallest_p == 2 / 32
    assert "all 32 sign flips of subjects" in found.method


def test_five_subjects_that_all_agree_reach_one_sixteenth_and_cells_more() -> None:
    table = 1 + 0.1 * normal(5, 3)
    found = contrast(cells(table), cells(np.zeros_like(table)), generator())
    assert found.p == found.smallest_p == 0.0625
    assert found.p_cells is not None and found.p_cells < 0.001  # as if 15 cells were 15 subjects


def test_many_subjects_are_flipped_at_random_and_p_is_never_zero() -> None:
    table = 5 + normal(40, 2)
    found = contrast(cells(table), cells(np.zeros_like(table)), generator(), draws=999)
    assert found.p == found.smallest_p == 1 / 1000
    assert "999 random sign flips" in found.method


def test_random_flips_agree_with_all_of_them() -> None:
    table = normal(12, 2, shift=0.5)
    every = contrast(cells(table), cells(np.zeros_like(table)), generator())
    more = np.vstack([table, np.zeros((1, 2))])  # a thirteenth subject that changes no total
    some = contrast(cells(more), cells(np.zeros_like(more)), generator(), draws=40_000)
    assert every.p is not None and "4,096" in every.method
    assert some.p == pytest.approx(every.p, abs=4 * np.sqrt(every.p / 40_000) + 1e-4)


def test_a_contrast_the_other_way_round_is_its_mirror() -> None:
    one, two = cells(normal(7, 3, 0.3)), cells(normal(7, 3, rng=2))
    there, back = contrast(one, two, generator()), contrast(two, one, generator())
    assert there.estimate == pytest.approx(-back.estimate)  # type: ignore[operator]
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low))  # type: ignore[operator]
    assert there.p == back.p
    assert there.effect == pytest.approx(-back.effect)  # type: ignore[operator]


def test_arms_that_do_not_differ() -> None:
    same = cells(normal(6, 2))
    found = contrast(same, same, generator())
    assert (found.estimate, found.low, found.high, found.p, found.p_cells) == (0, 0, 0, 1, 1)
    assert found.effect is None


def test_compare_takes_every_arm_against_the_baseline_with_holm() -> None:
    arms: dict[str, Values] = {
        "base": cells(normal(10, 2)),
        "same": cells(normal(10, 2, rng=5)),
        "better": cells(normal(10, 2) + 3 + 0.1 * normal(10, 2, rng=3)),
        "lost": {("s0", 0): None},
    }
    found = compare(arms, "base", generator())
    assert list(found) == ["same", "better", "lost"]
    assert found["better"].p == 2 / 1024
    assert found["better"].p_holm == 4 / 1024  # two questions were asked: one arm was not measured
    assert found["same"].p_holm == found["same"].p
    assert found["lost"].p_holm is None


@pytest.mark.parametrize(
    ("ps", "expected"),
    [
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.5], [0.5]),
        ([0.9, 0.8, 0.7], [1, 1, 1]),
        ([None, 0.02, None, 0.02], [None, 0.04, None, 0.04]),
        ([], []),
    ],
)
def test_holm(ps: list[float | None], expected: list[float | None]) -> None:
    assert holm(ps) == pytest.approx(expected)


@pytest.mark.parametrize("contrasts", [1, 2, 4, 5, 20, 64])
def test_as_many_subjects_as_needed_and_no_fewer(contrasts: int) -> None:
    enough = clusters_needed(contrasts)
    assert contrasts * smallest_p(enough) <= 0.05 < contrasts * 2.0 ** (2 - enough)


def test_smallest_p() -> None:
    assert [smallest_p(n) for n in (1, 2, 5, 6)] == [1, 0.5, 0.0625, 0.03125]
    assert smallest_p(40) == 1 / 10_000


@pytest.mark.parametrize(
    ("shift", "spread", "better", "verdict"),
    [
        (0.0, 0.1, "higher", "equivalent"),
        (2.0, 0.1, "higher", "no loss"),
        (-2.0, 0.1, "higher", "loss"),
        (-2.0, 0.1, "lower", "no loss"),
        (2.0, 0.1, "lower", "loss"),
        (0.0, 5.0, "higher", "undecided"),
    ],
)
def test_verdicts_of_equivalence(shift: float, spread: float, better: str, verdict: str) -> None:
    arm = cells(shift + spread * normal(8, 3))
    found = equivalence(arm, cells(np.zeros((8, 3))), margin=1.0, better=better)  # type: ignore[arg-type]
    assert found.verdict == verdict


@pytest.mark.parametrize("shift", [-0.9, -0.3, 0.0, 0.5, 0.8])
def test_equivalent_where_the_90_percent_interval_lies_within_the_margin(shift: float) -> None:
    arm, other = cells(shift + normal(9, 3)), cells(np.zeros((9, 3)))
    for margin in np.linspace(0.2, 3, 15):
        found = equivalence(arm, other, float(margin))
        assert found.low is not None and found.high is not None and found.p is not None
        assert (found.p <= 0.05) == (-margin < found.low and found.high < margin)
        assert (found.verdict == "equivalent") == (found.p <= 0.05)


def test_equivalence_without_any_spread_rests_on_the_number_of_subjects() -> None:
    for subjects, verdict in ((4, "undecided"), (5, "equivalent")):
        same = cells(np.ones((subjects, 2)))
        found = equivalence(same, same, 0.1)
        assert (found.verdict, found.p) == (verdict, 0.5**subjects)


def test_a_margin_lies_above_zero() -> None:
    for margin in (0.0, -1.0, float("nan")):
        with pytest.raises(ValueError, match="margin: is"):
            equivalence({}, {}, margin)


def test_results_are_frozen() -> None:
    with pytest.raises(AttributeError):
        mean({}).estimate = 1.0  # type: ignore[misc]
    assert set(statistics.__all__) <= set(dir(statistics))
