import numpy as np
import pytest
from scipy import stats

from strikebox.metrics.collapse import (
    Alike,
    alike,
    collapsed,
    effective_pictures,
    expected_effective_pictures,
    global_collapse,
    seed_lock,
)
from strikebox.metrics.features import Feature

SUBJECTS = np.repeat(np.arange(5), 3)
SEEDS = np.tile(np.arange(3), 5)


def directions(rng: np.random.Generator, count: int = 15, dim: int = 40) -> Feature:
    return rng.normal(size=(count, dim)).astype(np.float32)


def shared(rng: np.random.Generator, labels: np.ndarray, weight: float) -> Feature:
    """Random directions, those of one label pulled towards one another."""
    common = directions(rng, int(labels.max()) + 1)[labels]
    return (directions(rng) + weight * common).astype(np.float32)


def cosines_of(features: Feature) -> np.ndarray:
    unit = features.astype(np.float64) / np.linalg.norm(features.astype(np.float64), axis=1, keepdims=True)
    return unit @ unit.T


@pytest.mark.parametrize(("different", "copies"), [(1, 6), (3, 4), (5, 1)])
def test_it_counts_the_different_pictures(different: int, copies: int) -> None:
    assert effective_pictures(np.repeat(np.eye(8, dtype=np.float32)[:different], copies, axis=0)) == (
        pytest.approx(different)
    )


def test_it_is_the_inverse_of_the_summed_squares_of_eigenvalues() -> None:
    """Order-2 Renyi entropy of the kernel's spectrum (Jalali, Li and Farnia, NeurIPS 2023)."""
    features = directions(np.random.default_rng(0))
    spectrum = np.linalg.eigvalsh(cosines_of(features) / len(features))
    assert effective_pictures(features) == pytest.approx(1 / np.square(spectrum).sum())


def test_two_pictures_by_closed_form() -> None:
    """n = 2 with cosine c: 1 / ((2 + 2 c^2) / 4)."""
    assert effective_pictures(np.array([[1, 0], [0.6, 0.8]], np.float32)) == pytest.approx(2 / (1 + 0.36))


def test_fewer_than_two_pictures_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 pictures, got 1"):
        effective_pictures(np.ones((1, 3), np.float32))


def test_what_so_many_pictures_are_expected_to_give() -> None:
    rng = np.random.default_rng(1)
    features = np.repeat(np.eye(4, dtype=np.float32), 50, axis=0)
    assert expected_effective_pictures(features, 200, rng, draws=2) == pytest.approx(4)
    assert expected_effective_pictures(features, 4, rng) < 3.5
    with pytest.raises(ValueError, match="cannot draw 9 of 4"):
        expected_effective_pictures(features[:4], 9, rng)


def test_a_seed_that_rules_is_found() -> None:
    rng = np.random.default_rng(2)
    lock = seed_lock(shared(rng, SEEDS, 1.5), SUBJECTS, SEEDS, rng)
    assert lock is not None
    assert lock.observed > 0.5
    assert (lock.exact, lock.ways, lock.p) == (True, 6**4, 1 / 6**4)


def test_seed_lock_by_hand() -> None:
    features = np.array([[1, 0], [0, 1], [1, 0], [0.6, 0.8]], np.float32)
    lock = seed_lock(features, [0, 0, 1, 1], [1, 2, 1, 2], np.random.default_rng(0))
    assert lock is not None
    assert lock.observed == pytest.approx((1 + 0.8) / 2 - (0.6 + 0) / 2)


def test_a_subject_that_rules_is_no_seed_lock() -> None:
    rng = np.random.default_rng(3)
    lock = seed_lock(shared(rng, SUBJECTS, 3.0), SUBJECTS, SEEDS, rng)
    assert lock is not None
    assert lock.p > 0.05


def test_p_of_seed_lock_is_uniform_under_the_null() -> None:
    rng = np.random.default_rng(4)
    locks = [seed_lock(shared(rng, SUBJECTS, 1.0), SUBJECTS, SEEDS, rng, draws=199) for _ in range(120)]
    assert stats.kstest([lock.p for lock in locks if lock], "uniform").pvalue > 0.01


def test_seed_lock_bears_missing_cells_and_says_none_where_nothing_tells() -> None:
    rng = np.random.default_rng(5)
    features, kept = shared(rng, SEEDS, 1.5), np.arange(15) % 7 != 3
    lock = seed_lock(features[kept], SUBJECTS[kept], SEEDS[kept], rng)
    assert lock is not None
    assert lock.p < 0.05
    assert seed_lock(features[:3], SUBJECTS[:3], SEEDS[:3], rng) is None
    assert seed_lock(features[::3], SUBJECTS[::3], SEEDS[::3], rng) is None
    assert seed_lock(features[:2], [0, 1], [1, 2], rng) is None


@pytest.mark.parametrize("dim", [4, 60])
def test_sums_of_groups_are_sums_over_pairs(dim: int) -> None:
    """With cells missing and cells of several pictures; in few dimensions and in many."""
    rng = np.random.default_rng(8)
    features, subjects, seeds = directions(rng, 30, dim), rng.integers(0, 4, 30), rng.integers(0, 5, 30)
    cosines = cosines_of(features)
    apart, under_one = subjects[:, None] != subjects, seeds[:, None] == seeds
    lock, found = seed_lock(features, subjects, seeds, rng, draws=9), alike(features, subjects, seeds)
    assert lock is not None
    assert found is not None
    differ = cosines[apart & ~under_one].mean()
    assert lock.observed == pytest.approx(cosines[apart & under_one].mean() - differ)
    assert found.mean == pytest.approx(differ)
    without = np.array(
        [
            cosines[apart & ~under_one & (subjects != out)[:, None] & (subjects != out)].mean()
            for out in range(4)
        ]
    )
    assert found.error == pytest.approx(np.sqrt(3 / 4 * np.square(without - without.mean()).sum()))


def test_alike_is_the_mean_over_pairs_of_other_subject_and_seed() -> None:
    features = np.array([[1, 0], [0, 1], [1, 0], [0.6, 0.8]], np.float32)
    found = alike(features, [0, 0, 1, 1], [1, 2, 1, 2])
    assert found is not None
    assert (found.mean, found.error, found.subjects) == (pytest.approx((0.6 + 0) / 2), None, 2)
    assert alike(features[:2], [0, 0], [1, 2]) is None


def test_the_error_of_alike_is_that_of_repeated_runs() -> None:
    """The jackknife is biased upwards (Efron and Stein 1981), so it may exceed the truth, not fall short."""
    rng = np.random.default_rng(6)
    common = directions(rng, 1, 10)

    def run() -> Alike:
        pull = rng.gamma(2.0, 0.5, (8, 1)).astype(np.float32)
        found = alike(np.repeat(pull * common, 3, 0) + directions(rng, 24, 10), np.repeat(np.arange(8), 3))
        assert found is not None
        return found

    runs = [run() for _ in range(300)]
    errors = np.array([found.error for found in runs], np.float64)
    truth = np.std([found.mean for found in runs])
    assert 0.9 < np.sqrt(np.square(errors).mean()) / truth < 1.5


def test_two_arms_of_one_kind_seldom_differ() -> None:
    rng = np.random.default_rng(7)
    common = directions(rng, 1)
    above = 0
    for _ in range(200):
        first, second = (alike(common + directions(rng), SUBJECTS, SEEDS) for _ in range(2))
        assert first is not None
        assert second is not None
        low = global_collapse(first, second).low
        assert low is not None
        above += low > 0
    assert above <= 10  # 2.5% is nominal


def test_collapsed_only_beyond_both_the_base_model_and_the_style() -> None:
    def like(mean: float, error: float | None = 0.02) -> Alike:
        return Alike(mean=mean, error=error, subjects=6)

    assert collapsed(like(0.9), base=like(0.3), held_out=like(0.5)) is True
    assert collapsed(like(0.5), base=like(0.3), held_out=like(0.5)) is False
    assert collapsed(like(0.5), base=like(0.6), held_out=like(0.1)) is False
    assert collapsed(like(0.9, error=None), base=like(0.3), held_out=like(0.5)) is None


def test_a_feature_without_length_is_refused() -> None:
    with pytest.raises(ValueError, match="length 0"):
        effective_pictures(np.zeros((2, 3), np.float32))
