import numpy as np
import pytest
from scipy import stats

from strikebox.metrics import conformal
from strikebox.metrics.conformal import joint_p_values, p_values, q_values, rarity


def test_p_counts_held_out_scores_that_are_as_high() -> None:
    held_out = [0.1, 0.2, 0.3, 0.4]
    assert p_values([0.5, 0.4, 0.25, 0.0], held_out) == pytest.approx([1 / 5, 2 / 5, 3 / 5, 1])


def test_without_held_out_scores_p_is_one() -> None:
    assert p_values([3.0], []) == pytest.approx([1])


def test_p_is_uniform_where_nothing_leaks() -> None:
    """With n held-out scores p takes 1 / (n + 1), 2 / (n + 1) ... 1 equally often."""
    rng = np.random.default_rng(0)
    p = np.concatenate([p_values(scores[:1], scores[1:]) for scores in rng.normal(size=(4000, 20))])
    counts = np.bincount(np.round(p * 20).astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 0.01


def test_joint_p_is_uniform_however_the_scores_hang_together() -> None:
    """Two scores of each picture, correlated and on unlike scales, one of them with a heavy tail."""
    rng = np.random.default_rng(1)
    p = []
    for _ in range(3000):
        common = rng.normal(size=20)
        scores = np.stack([common + rng.normal(size=20), 100 * np.exp(common + rng.normal(size=20))])
        p.append(joint_p_values(scores[:, :1], scores[:, 1:])[0])
    counts = np.bincount(np.round(np.array(p) * 20).astype(int), minlength=21)[1:]
    assert stats.chisquare(counts).pvalue > 0.01


def test_joint_p_of_one_score_is_the_plain_p() -> None:
    rng = np.random.default_rng(2)
    scores, held_out = rng.normal(size=40), rng.normal(size=25)
    assert joint_p_values(scores[None], held_out[None]) == pytest.approx(p_values(scores, held_out))


def test_joint_p_is_small_where_either_score_is_extreme() -> None:
    rng = np.random.default_rng(3)
    held_out = rng.normal(size=(2, 99)) * [[1], [1000]]
    p = joint_p_values(np.array([[20.0, 0.0, 0.0], [0.0, 20_000.0, 0.0]]), held_out)
    assert p[:2] == pytest.approx([0.01, 0.01])
    assert p[2] > 0.1


def test_joint_p_needs_something_to_compare_with() -> None:
    with pytest.raises(ValueError, match="held-out"):
        joint_p_values(np.ones((2, 3)), np.ones((2, 0)))


def test_rarity_of_an_exponential_is_its_logarithm() -> None:
    """Where scores are exponential, one in e^s lies above s."""
    held_out = -np.log(1 - (np.arange(20_000) + 0.5) / 20_000)
    assert rarity(np.array([[2.0, 5.0, 9.0]]), held_out[None])[0] == pytest.approx([2, 5, 9], rel=0.02)


def test_rarity_does_not_depend_on_the_scale() -> None:
    held_out = np.random.default_rng(4).normal(size=(1, 50))
    scores = np.array([[0.0, 2.0, 4.0]])
    assert rarity(7 * scores + 3, 7 * held_out + 3) == pytest.approx(rarity(scores, held_out))
    assert np.diff(rarity(scores, held_out)[0]) == pytest.approx(2 / conformal.unit(held_out)[0])


def test_q_by_hand() -> None:
    """0.01 x 4 / 1, min(0.02 x 4 / 2, ...), 0.03 x 4 / 3 and 0.5; the second and third tie at 0.04."""
    assert q_values([0.5, 0.01, 0.03, 0.02]) == pytest.approx([0.5, 0.04, 0.04, 0.04])


def test_q_is_that_of_scipy() -> None:
    p = np.random.default_rng(5).uniform(size=200) ** 2
    assert q_values(p) == pytest.approx(stats.false_discovery_control(p))


@pytest.mark.parametrize(("level", "needed"), [(0.05, 19), (0.1, 9), (0.01, 99)])
def test_so_many_held_out_pictures_make_p_small_enough(level: float, needed: int) -> None:
    assert conformal.fewest(level) == needed
    assert p_values([1.0], np.zeros(needed))[0] <= level < p_values([1.0], np.zeros(needed - 1))[0]


@pytest.mark.parametrize(("held_out", "tests"), [(120, 75), (120, 15), (1499, 75), (19, 1)])
def test_fewer_leaks_than_that_are_never_flagged(held_out: int, tests: int) -> None:
    least = conformal.least_flagged(held_out, tests, 0.05)
    for leaks, flagged in ((least, True), (least - 1, False)):
        scores = np.concatenate([np.ones(leaks), np.full(tests - leaks, -1.0)])
        assert (
            q_values(p_values(scores, np.zeros(held_out)))[:leaks] <= 0.05 + 1e-9
        ).all() == flagged or not leaks


def test_a_run_of_75_with_120_held_out_pictures_shows_13_leaks_and_no_fewer() -> None:
    assert conformal.least_flagged(120, 75, 0.05) == 13
    assert conformal.held_out_needed(1, 75, 0.05) == 1499
    assert conformal.least_flagged(1499, 75, 0.05) == 1
