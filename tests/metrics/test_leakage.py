import numpy as np
import pytest
from numpy.typing import NDArray

from strikebox.metrics import conformal, leakage
from strikebox.metrics.features import Feature
from strikebox.metrics.leakage import Descriptor, describe, measure
from strikebox.metrics.matches import Matches

RNG = np.random.default_rng(0)
HELD_OUT = RNG.normal(size=100)
CLEAN = np.linspace(-1, 1, 10)


def matches(alike: NDArray[np.float64], nearest: int = 0) -> Matches:
    """Pictures so alike to training picture `nearest`, and 1 less so to the one after it."""
    count = len(alike)
    return Matches(
        training=np.tile([nearest, nearest + 1], (count, 1)),
        alike=np.stack([alike, alike - 1], axis=1),
        mirrored=np.zeros((count, 2), np.bool_),
        scale=np.ones((count, 2)),
        top=np.zeros((count, 2)),
        left=np.full((count, 2), nearest / 10),
    )


def descriptor(
    name: str, generated: NDArray[np.float64], held_out: NDArray[np.float64] | None, nearest: int = 0
) -> Descriptor:
    return Descriptor(
        name=name,
        generated=matches(generated, nearest),
        held_out=None if held_out is None else matches(held_out),
    )


def test_what_no_held_out_picture_resembles_is_a_leak() -> None:
    generated = np.array([9.0, *CLEAN, 8.0])
    found = measure([descriptor("a", generated, HELD_OUT)])
    assert found.tested is not None
    assert found.tested.leaked.tolist() == [False] * 12  # two in twelve are too few for 100 held-out pictures
    found = measure([descriptor("a", np.array([9.0, *CLEAN, 8.0, 7.0]), HELD_OUT)])
    assert found.tested is not None
    assert np.flatnonzero(found.tested.leaked).tolist() == [0, 11, 12]
    assert [one.picture for one in found.evidence] == [0, 11, 12]
    assert [one.p for one in found.evidence] == pytest.approx([1 / 101] * 3)


def test_the_evidence_names_the_training_picture_and_how_clear_it_is() -> None:
    found = measure([descriptor("a", np.full(3, 9.0), HELD_OUT, nearest=4)])
    first = found.evidence[0]
    unit = conformal.unit(HELD_OUT[None])[0]
    assert (first.nearest.training, first.nearest.descriptor, first.nearest.agreeing) == (4, "a", ("a",))
    assert first.nearest.margin == pytest.approx(1 / unit)
    assert first.nearest.score == pytest.approx(conformal.rarity(np.array([[9.0]]), HELD_OUT[None])[0, 0])
    assert first.q == pytest.approx(1 / 101)


def test_either_descriptor_may_find_a_leak_and_scales_do_not_matter() -> None:
    low, high = np.zeros(4), np.full(4, 7.0)
    found = measure(
        [
            descriptor("a", np.concatenate([low, high]), HELD_OUT, nearest=1),
            descriptor("b", 1000 * np.concatenate([high, low]), 1000 * RNG.permutation(HELD_OUT), nearest=2),
        ]
    )
    assert found.tested is not None
    assert found.tested.leaked.all()
    assert [one.descriptor for one in found.nearest] == ["b"] * 4 + ["a"] * 4
    assert [one.training for one in found.nearest] == [2] * 4 + [1] * 4


def test_the_first_descriptor_that_agrees_says_how_the_picture_lies() -> None:
    place = matches(np.full(3, 2.0), nearest=3)
    placed = Descriptor(
        name="a",
        generated=Matches(
            training=place.training,
            alike=place.alike,
            mirrored=~place.mirrored,
            scale=place.scale * 0.8,
            top=place.top,
            left=place.left,
        ),
        held_out=matches(HELD_OUT),
    )
    found = measure([placed, descriptor("b", np.full(3, 9.0), HELD_OUT, nearest=3)])
    assert found.nearest[0].descriptor == "b"
    assert found.nearest[0].agreeing == ("a", "b")
    assert (found.nearest[0].placement.mirrored, found.nearest[0].placement.scale) == (True, 0.8)


def test_families_keep_their_own_rate() -> None:
    """Three leaks among 100 pictures are too few, among 10 of their own arm they are not."""
    generated = np.concatenate([np.full(3, 9.0), np.linspace(-1, 1, 97)])
    arms = np.repeat(np.arange(10), 10).tolist()
    for families, flagged in ((None, 0), (arms, 3)):
        found = measure([descriptor("a", generated, HELD_OUT)], families=families)
        assert found.tested is not None
        assert found.tested.leaked.sum() == flagged


def test_near_duplicates_are_no_rivals() -> None:
    groups = [0, 0, 1]
    found = measure([descriptor("a", CLEAN, HELD_OUT)], groups=groups)
    assert found.nearest[0].margin is None  # the second of the two that are kept is a duplicate
    assert measure([descriptor("a", CLEAN, HELD_OUT)]).nearest[0].margin is not None
    both = [descriptor("a", CLEAN, HELD_OUT), descriptor("b", CLEAN, HELD_OUT, nearest=1)]
    assert measure(both, groups=groups).nearest[0].agreeing == ("a", "b")


@pytest.mark.parametrize("count", [0, 3, 18])
def test_too_few_held_out_pictures_still_show_the_nearest(count: int) -> None:
    found = measure([descriptor("a", CLEAN, HELD_OUT[:count] if count else None, nearest=6)])
    assert found.tested is None
    assert found.evidence == ()
    assert found.reason is not None
    assert found.reason.startswith(f"{count} held-out pictures")
    assert "at least 19" in found.reason
    assert {one.training for one in found.nearest} == {6}
    if count < 5:
        assert found.scores == pytest.approx(CLEAN)
        assert found.held_out is None


def test_nineteen_are_enough() -> None:
    found = measure([descriptor("a", np.array([9.0]), HELD_OUT[:19])])
    assert found.reason is None
    assert found.tested is not None
    assert found.tested.leaked.tolist() == [True]


def test_it_says_what_so_few_held_out_pictures_cannot_tell() -> None:
    run = measure([descriptor("a", np.zeros(75), RNG.normal(size=120))])
    (note,) = run.notes
    assert "fewer than 13 leaks among 75 pictures" in note
    assert "1499 held-out pictures would show a single one" in note
    assert measure([descriptor("a", np.zeros(5), HELD_OUT)]).notes == ()


def test_without_descriptors_or_training_pictures_there_is_nothing_to_measure() -> None:
    with pytest.raises(ValueError, match="descriptor"):
        measure([])
    with pytest.raises(ValueError, match="training"):
        describe("judge", np.ones((2, 4), np.float32), None, np.ones((0, 4), np.float32))


@pytest.mark.parametrize("name", ["thumbnail", "efficientnet", "judge"])
def test_features_of_every_kind_are_compared(name: str) -> None:
    shapes = {"thumbnail": (48, 48, 4), "efficientnet": (2, 5, 24), "judge": (24,)}
    rng = np.random.default_rng(0)  # one honest picture in twenty is a false alarm, this one is not

    def random(count: int) -> Feature:
        return rng.uniform(size=(count, *shapes[name])).astype(np.float32)

    training, held_out = random(30), random(20)
    generated = np.concatenate([training[[3, 17]], random(1)])
    found = measure([describe(name, generated, held_out, training)], families=range(3))
    assert [one.training for one in found.nearest[:2]] == [3, 17]
    assert found.tested is not None
    assert found.tested.leaked.tolist() == [True, True, False]
    assert leakage.METRIC.better == "lower"
