"""Certificates: the bound against its closed form, its coverage, and how many pictures a share takes."""

import numpy as np
import pytest

from strikebox.lab.certificate import certify, pictures_for


def test_without_a_repeat_the_bound_is_the_rule_of_three_made_exact() -> None:
    found = certify("r", "R", scores=[0.0] * 59, held_out=[1.0, 2.0], descriptors=("d",))
    assert found.repeats == 0
    assert found.at_most == pytest.approx(1 - 0.05 ** (1 / 59))
    assert found.at_most < 0.05


@pytest.mark.parametrize(("share", "pictures"), [(0.05, 59), (0.01, 299), (0.5, 5)])
def test_as_many_pictures_as_a_share_takes(share: float, pictures: int) -> None:
    assert pictures_for(share) == pictures
    assert (1 - share) ** pictures <= 0.05 < (1 - share) ** (pictures - 1)


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, float("nan")])
def test_no_pictures_certify_none_or_all(share: float) -> None:
    with pytest.raises(ValueError, match="no share between 0 and 1"):
        pictures_for(share)


def test_only_what_is_above_every_held_out_picture_counts() -> None:
    found = certify("r", "R", scores=[1.0, 2.0, 2.1, 9.0], held_out=[0.5, 2.0], descriptors=("a", "b"))
    assert (found.repeats, found.pictures, found.held_out) == (2, 4, 2)
    assert "2 of 4 are more like one than any of 2 held-out pictures is, by a and b" in found.words


def test_the_bound_holds_for_honest_recipes_and_for_leaking_ones() -> None:
    """In at least 95% of 400 simulations the share of leaking pictures is no higher than the bound."""
    generator = np.random.default_rng(0)
    for leaking in (0.0, 0.05, 0.3):
        held = 0
        for _ in range(400):
            leaks = generator.random(60) < leaking
            scores = generator.normal(size=60) + 20 * leaks
            found = certify("r", "R", scores.tolist(), generator.normal(size=120).tolist(), ("d",))
            held += found.at_most >= leaking
        assert held / 400 >= 0.95


def test_nothing_is_certified_from_nothing() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        certify("r", "R", [], [1.0], ("d",))
    with pytest.raises(ValueError, match="held-out"):
        certify("r", "R", [1.0], [], ("d",))
