import numpy as np
import pytest
from scipy import stats
from scipy.spatial import distance

from strikebox.metrics.features import Feature
from strikebox.metrics.handoff import AgainstControl, against_control, own_pass

SUBJECTS = np.repeat(np.arange(5), 3)


def noise(rng: np.random.Generator, count: int = 15) -> Feature:
    return rng.normal(size=(count, 20)).astype(np.float32)


def by_subject(rng: np.random.Generator) -> Feature:
    """Pictures that depend on their subject, and on chance."""
    return 2 * noise(rng, 5)[SUBJECTS] + noise(rng)


def compared(arm: Feature, control: Feature, rng: np.random.Generator) -> AgainstControl:
    found = against_control(arm, control, SUBJECTS[: len(arm)], rng)
    assert found is not None
    return found


@pytest.mark.parametrize(("share", "found"), [(0.0, False), (0.5, True)])
def test_an_outcome_that_holds_its_own_pass_1_is_found(share: float, found: bool) -> None:
    rng = np.random.default_rng(0)
    firsts = by_subject(rng)
    outcomes = (by_subject(rng) + share * firsts).astype(np.float32)
    own = own_pass(outcomes, firsts, SUBJECTS, rng)
    assert own is not None
    assert (own.test.p < 0.01) is found
    assert (own.test.ways, own.test.exact) == (6**5, True)


def test_gain_by_hand() -> None:
    """Two seeds: what sets them apart from their mean is half their difference, either way."""
    outcomes, firsts = np.array([[0, 0], [2, 0]], np.float32), np.array([[5, 1], [8, 5]], np.float32)
    own = own_pass(outcomes, firsts, [0, 0], np.random.default_rng(0))
    assert own is not None
    assert own.gain == pytest.approx(3 / 5)
    assert own.test.p == 0.5


def test_pictures_that_no_seed_changes_tell_nothing() -> None:
    rng = np.random.default_rng(10)
    assert own_pass(noise(rng, 5)[SUBJECTS], by_subject(rng), SUBJECTS, rng) is None


def test_a_subject_with_one_seed_does_not_count() -> None:
    rng = np.random.default_rng(11)
    firsts = by_subject(rng)
    outcomes = by_subject(rng) + firsts
    more_outcomes, more_firsts = (np.concatenate([part, noise(rng, 1)]) for part in (outcomes, firsts))
    first = own_pass(outcomes, firsts, SUBJECTS, rng)
    second = own_pass(more_outcomes, more_firsts, [*SUBJECTS.tolist(), 5], rng)
    assert first is not None
    assert second is not None
    assert first.gain == pytest.approx(second.gain)


def test_a_subject_in_common_is_no_trace_of_pass_1() -> None:
    """Both pictures show the subject; only what a seed's pass 1 has alone may count."""
    rng = np.random.default_rng(1)
    subject = 5 * noise(rng, 5)[SUBJECTS]
    own = own_pass(subject + noise(rng), subject + noise(rng), SUBJECTS, rng)
    assert own is not None
    assert own.test.p > 0.05


def test_p_is_uniform_where_nothing_crosses() -> None:
    rng = np.random.default_rng(2)
    found = [own_pass(by_subject(rng)[:9], by_subject(rng)[:9], SUBJECTS[:9], rng) for _ in range(300)]
    assert stats.kstest([own.test.p for own in found if own], "uniform").pvalue > 0.01


def test_one_seed_a_subject_tells_nothing() -> None:
    rng = np.random.default_rng(3)
    assert own_pass(noise(rng, 5), noise(rng, 5), np.arange(5), rng) is None
    assert against_control(noise(rng, 5), noise(rng, 5), np.arange(5), rng) is None


def test_a_control_that_changes_nothing_has_distance_zero() -> None:
    rng = np.random.default_rng(4)
    arm = by_subject(rng)
    same = compared(arm, arm, rng)
    assert same.distance == 0
    assert same.changed.p == 1
    assert same.kept.p < 0.01


def test_a_control_that_changes_as_much_as_another_seed_has_distance_one() -> None:
    rng = np.random.default_rng(5)
    subject = 2 * noise(rng, 5)[SUBJECTS]
    other = compared(subject + noise(rng), subject + noise(rng), rng)
    assert other.distance == pytest.approx(1, abs=0.1)
    assert other.kept.p > 0.05
    assert other.changed.p > 0.05


def test_a_small_change_that_repeats_itself_is_found() -> None:
    rng = np.random.default_rng(6)
    arm = by_subject(rng)
    moved = compared(arm, arm + np.float32(0.2), rng)
    assert moved.distance is not None
    assert moved.distance < 0.3
    assert moved.changed.p < 0.01
    assert moved.kept.p < 0.01


def test_changed_is_the_energy_distance_under_exchanges() -> None:
    rng = np.random.default_rng(7)
    arm, control = noise(rng, 4), noise(rng, 4) + 1
    pairs = ~np.eye(4, dtype=bool)

    def energy(a: Feature, c: Feature) -> float:
        between, own, others = (distance.cdist(x, y)[pairs] for x, y in ((a, c), (a, a), (c, c)))
        return float((2 * between - own - others).mean())

    found = against_control(arm, control, [0, 0, 1, 1], rng)
    assert found is not None
    assert found.changed.observed == pytest.approx(energy(arm, control))
    exchanged = [
        energy(np.where(turn, control, arm), np.where(turn, arm, control))
        for turn in (np.array([0, a, b, c], bool)[:, None] for a in (0, 1) for b in (0, 1) for c in (0, 1))
    ]
    assert found.changed.ways == 8
    assert found.changed.p == np.mean(np.array(exchanged) >= energy(arm, control) - 1e-9)


def test_changed_is_uniform_where_arm_and_control_are_of_one_kind() -> None:
    rng = np.random.default_rng(8)
    ps = []
    for _ in range(200):
        subject = 2 * noise(rng, 3)[SUBJECTS[:9]]
        ps.append(compared(subject + noise(rng, 9), subject + noise(rng, 9), rng).changed.p)
    assert stats.kstest(ps, "uniform").pvalue > 0.01


def test_an_arm_without_seeds_of_its_own_has_no_unit() -> None:
    rng = np.random.default_rng(9)
    arm = noise(rng, 5)[SUBJECTS]
    assert compared(arm, by_subject(rng), rng).distance is None
