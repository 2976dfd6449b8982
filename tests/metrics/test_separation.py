import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikebox.metrics.separation import auroc

VALUES = st.lists(st.integers(-3, 3), min_size=1, max_size=12)


@given(higher=VALUES, lower=VALUES)
def test_it_is_the_share_of_pairs_won_a_tie_counting_half(higher: list[int], lower: list[int]) -> None:
    wins = [(a > b) + 0.5 * (a == b) for a in higher for b in lower]
    assert auroc(higher, lower) == pytest.approx(sum(wins) / len(wins))


@given(higher=VALUES, lower=VALUES)
def test_the_other_way_round_it_is_one_minus_that(higher: list[int], lower: list[int]) -> None:
    assert auroc(higher, lower) + auroc(lower, higher) == pytest.approx(1)


def test_two_normals_apart_by_a_known_distance() -> None:
    """Binormal ROC curve: the area is Phi(d / sqrt(2)), 0.7602 for d = 1."""
    rng = np.random.default_rng(0)
    assert auroc(rng.normal(1, 1, 20_000), rng.normal(0, 1, 20_000)) == pytest.approx(0.7602, abs=0.01)


@pytest.mark.parametrize(("higher", "lower"), [([], [1]), ([1], []), ([1, float("nan")], [0])])
def test_what_was_not_measured_is_refused(higher: list[float], lower: list[float]) -> None:
    with pytest.raises(ValueError, match=r"values of both kinds|NaN"):
        auroc(higher, lower)
