import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikebox.metrics.memorisation import gaps, judge, loss, lowered, noisy, separate
from strikebox.metrics.separation import auroc

SHAPE = (3, 4, 5)


@pytest.mark.parametrize("sigma", [0.05, 0.4, 1.0])
def test_one_euler_step_tells_the_loss_of_the_velocity(sigma: float) -> None:
    rng = np.random.default_rng(0)
    clean, noise, velocity = (rng.standard_normal(SHAPE).astype(np.float32) for _ in range(3))
    restored = noisy(clean, noise, sigma) - np.float32(sigma) * velocity
    assert loss(restored.astype(np.float32), clean, sigma) == pytest.approx(
        np.square(velocity - (noise - clean)).mean(), rel=1e-4
    )


def test_without_noise_there_is_no_loss() -> None:
    with pytest.raises(ValueError, match="above 0"):
        loss(np.zeros(SHAPE, np.float32), np.zeros(SHAPE, np.float32), 0.0)


def test_a_gap_is_the_mean_log_ratio_and_the_unit_of_the_loss_does_not_matter() -> None:
    without, with_lora = np.array([[2.0, 8.0], [1.0, 1.0]]), np.array([[1.0, 1.0], [2.0, 1.0]])
    assert gaps(without, with_lora) == pytest.approx([2 * np.log(2), -np.log(2) / 2])
    assert gaps(7 * without, 7 * with_lora) == pytest.approx(gaps(without, with_lora))
    assert lowered(np.log(2)) == pytest.approx(0.5) and lowered(-np.log(2)) == pytest.approx(-1)


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_a_loss_that_was_not_measured_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="positive and finite"):
        gaps([[1.0, 1.0]], [[1.0, bad]])


def test_planted_pictures_are_memorised_and_clean_ones_are_not() -> None:
    held_out = np.random.default_rng(0).normal(0.3, 0.1, 119)
    training = np.concatenate([np.linspace(0.1, 0.5, 20), [1.2, 1.0, 1.1, 0.9]])
    found = judge(training, held_out)
    assert found.tested is not None and found.reason is None and found.membership is not None
    assert np.flatnonzero(found.tested.memorised).tolist() == [20, 21, 22, 23]
    assert found.tested.p[20:] == pytest.approx([1 / 120] * 4)
    assert found.membership.auroc == auroc(training, held_out)


def test_p_is_uniform_where_the_lora_knows_training_pictures_no_better() -> None:
    """Exchangeable gaps: p <= a in a share a of pictures, and 5% of sets at most hold a memory."""
    rng = np.random.default_rng(1)
    tested = [
        one
        for _ in range(2000)
        if (one := judge(rng.gumbel(size=10), rng.gumbel(size=199)).tested) is not None
    ]
    p = np.concatenate([one.p for one in tested])
    for share in (0.01, 0.05, 0.25, 0.5, 0.9):
        assert (p <= share + 1e-9).mean() == pytest.approx(
            share, abs=4 * np.sqrt(share * (1 - share) / len(p)) + 0.003
        )
    assert np.mean([one.memorised.any() for one in tested]) == pytest.approx(0.05, abs=0.015)


@pytest.mark.parametrize(("held_out", "words"), [(0, "learned a style"), (18, "18 held-out pictures")])
def test_too_few_held_out_pictures_are_told_how_many_it_takes(held_out: int, words: str) -> None:
    found = judge([9.0, 8.0], np.linspace(0, 1, held_out))
    assert found.tested is None and found.notes == ()
    assert found.reason is not None and words in found.reason and "at least 19" in found.reason
    assert (found.membership is None) == (held_out == 0)


def test_the_note_says_exactly_how_many_can_be_flagged_and_how_many_it_takes_for_one() -> None:
    held_out = np.linspace(0, 1, 39)
    few, enough = (judge([5.0] * high + [0.5] * (40 - high), held_out) for high in (19, 20))
    assert few.tested is not None and enough.tested is not None
    assert (few.tested.memorised.sum(), enough.tested.memorised.sum()) == (0, 20)
    assert "fewer than 20 memorised ones among 40" in few.notes[0] and "; 799 held-out" in few.notes[0]
    alone = judge([5.0] + [0.5] * 39, np.linspace(0, 1, 799))
    assert alone.tested is not None and alone.tested.memorised.sum() == 1 and alone.notes == ()


def test_without_training_pictures_there_is_nothing_to_judge() -> None:
    with pytest.raises(ValueError, match="at least one training picture"):
        judge([], [1.0])


@given(
    higher=st.lists(st.integers(-3, 3), min_size=1, max_size=12),
    lower=st.lists(st.integers(-3, 3), min_size=1, max_size=12),
)
def test_the_interval_holds_the_area_and_turns_with_it(higher: list[int], lower: list[int]) -> None:
    one, other = separate(higher, lower), separate(lower, higher)
    assert 0 <= one.low <= one.auroc <= one.high <= 1
    assert (one.low, one.high) == pytest.approx((1 - other.high, 1 - other.low))


def test_a_perfect_separation_of_few_pictures_is_not_certain() -> None:
    few, many = (separate(np.arange(n) + 1000, np.arange(n)) for n in (10, 500))
    assert few.auroc == many.auroc == few.high == 1
    assert 0.6 < few.low < 0.9 < many.low < 1


def test_the_limits_solve_the_score_equation() -> None:
    rng = np.random.default_rng(2)
    found, m, n = separate(rng.normal(1, 1, 30), rng.normal(0, 1, 50)), 30, 50
    for area in (found.low, found.high):
        spread = (1 - area) / (2 - area) + area / (1 + area)
        error = np.sqrt(area * (1 - area) * (1 + ((m + n) / 2 - 1) * spread) / (m * n))
        assert abs(found.auroc - area) / error == pytest.approx(1.96, abs=0.001)


@pytest.mark.parametrize(("apart", "area"), [(0.0, 0.5), (1.0, 0.7602), (3.0, 0.9831)])
def test_the_interval_covers_the_area_of_two_normals(apart: float, area: float) -> None:
    rng = np.random.default_rng(3)
    found = [separate(rng.normal(apart, 1, 60), rng.normal(0, 1, 30)) for _ in range(500)]
    assert np.mean([one.low <= area <= one.high for one in found]) >= 0.93
