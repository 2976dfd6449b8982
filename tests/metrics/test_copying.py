import numpy as np
import pytest
from scipy import stats

from strikebox.metrics.copying import c_t

RNG = np.random.default_rng(0)
HELD_OUT = RNG.normal(size=60)


def test_copies_are_nearer_than_held_out_pictures() -> None:
    found = c_t(HELD_OUT[:30] + 2, HELD_OUT)
    assert found is not None
    assert found.z < -3
    assert found.p < 0.001
    assert (found.generated, found.held_out) == (30, 60)


def test_pictures_far_from_the_training_set_are_no_copies() -> None:
    found = c_t(HELD_OUT[:30] - 2, HELD_OUT)
    assert found is not None
    assert found.z > 3
    assert found.p > 0.999


def test_by_hand() -> None:
    """Every generated picture the more alike: U = 0, so z = -(9 / 2) / sqrt(9 x 7 / 12)."""
    found = c_t([4, 5, 6], [1, 2, 3])
    assert found is not None
    assert found.z == pytest.approx(-4.5 / np.sqrt(63 / 12))


def test_p_is_that_of_the_mann_whitney_test() -> None:
    """Ties included. scipy's normal approximation without correction for continuity."""
    generated, held_out = RNG.integers(0, 8, 25), RNG.integers(0, 8, 40)
    found = c_t(generated, held_out)
    known = stats.mannwhitneyu(
        generated, held_out, alternative="greater", method="asymptotic", use_continuity=False
    )
    assert found is not None
    assert found.p == pytest.approx(known.pvalue)


def test_under_the_null_z_is_standard_normal() -> None:
    z = [found.z for draw in RNG.normal(size=(2000, 50)) if (found := c_t(draw[:15], draw[15:]))]
    assert stats.kstest(z, "norm").pvalue > 0.01


@pytest.mark.parametrize(
    ("generated", "held_out"), [([1, 2], [1, 2, 3]), ([1, 2, 3], []), ([1] * 5, [1] * 5)]
)
def test_what_cannot_tell_is_missing(generated: list[int], held_out: list[int]) -> None:
    assert c_t(generated, held_out) is None
