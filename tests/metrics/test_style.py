"""Style on made-up features, where the truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from strikebox.metrics import style
from strikebox.metrics.features import Feature
from strikebox.metrics.style import Descriptor


def cloud(rng: np.random.Generator, count: int, at: float, width: float = 1.0, dim: int = 8) -> Feature:
    """`count` points about (at, at, ...)."""
    return rng.normal(at, width, (count, dim)).astype(np.float32)


@pytest.fixture
def plain() -> Descriptor:
    """The style lies about 0, the base model's pictures about 4, distractors elsewhere."""
    rng = np.random.default_rng(0)
    return Descriptor(
        name="plain",
        generated=cloud(rng, 300, 0),
        base=cloud(rng, 15, 4),
        held_out=cloud(rng, 100, 0),
        distractors={"near": cloud(rng, 30, 3), "far": cloud(rng, 30, -8)},
    )


def scores_of(descriptor: Descriptor) -> style.Scores:
    scores = style.measure([descriptor]).scores
    assert scores is not None
    return scores


def test_base_is_zero_and_held_out_is_one(plain: Descriptor) -> None:
    scores = scores_of(plain)
    assert (scores.floor.mean, scores.floor.pictures) == (pytest.approx(0), 15)
    assert (scores.ceiling.mean, scores.ceiling.pictures) == (pytest.approx(1), 100)


def test_new_pictures_of_the_style_score_as_held_out_ones_do(plain: Descriptor) -> None:
    """Held-out pictures are not favoured for being their own reference: each is left out in turn."""
    scores = scores_of(plain)
    error = scores.ceiling.sd * np.sqrt(1 / 300 + 1 / 100)
    assert scores.generated.mean() == pytest.approx(1, abs=3 * error)


def test_copies_of_one_picture_of_the_style_gain_nothing(plain: Descriptor) -> None:
    """Each of 300 pictures that is not held out, copied through a whole arm: no more than 1 on average."""
    scores = scores_of(plain)
    assert scores.generated.max() < 1.25
    copied = replace(plain, generated=np.repeat(plain.generated[:1], 15, axis=0))
    assert scores_of(copied).generated == pytest.approx(np.full(15, scores.generated[0]))


def test_half_way_is_in_between_and_far_from_everything_is_hardly_below_base(plain: Descriptor) -> None:
    rng = np.random.default_rng(1)
    between = scores_of(replace(plain, generated=cloud(rng, 50, 2))).generated
    lost = scores_of(replace(plain, generated=cloud(rng, 50, 100))).generated
    assert 0.2 < between.mean() < 0.8
    assert (lost > -0.3).all()
    assert (lost <= 0).all()


def test_the_very_middle_of_the_style_gains_little(plain: Descriptor) -> None:
    middle = scores_of(replace(plain, generated=np.zeros((1, 8), np.float32))).generated[0]
    assert 1 <= middle < 1.25


def test_a_descriptor_that_knows_no_style_is_not_used(plain: Descriptor) -> None:
    rng = np.random.default_rng(2)
    blind = Descriptor(
        name="blind",
        generated=cloud(rng, 300, 0),
        base=cloud(rng, 15, 0),
        held_out=cloud(rng, 100, 0),
        distractors={"near": cloud(rng, 30, 0), "far": cloud(rng, 30, 9)},
    )
    measured = style.measure([plain, blind])
    used, refused = measured.descriptors
    assert (used.admitted, refused.admitted) == (True, False)
    assert refused.auroc["far"] == 1
    assert refused.auroc["near"] < 0.8
    assert "0.95 is needed" in refused.reason
    assert measured.scores is not None
    assert measured.scores.generated == pytest.approx(scores_of(plain).generated)
    alone = style.measure([blind])
    assert alone.scores is None
    assert alone.reason is not None
    assert "no descriptor" in alone.reason


def test_a_base_model_that_draws_the_style_leaves_nothing_to_measure(plain: Descriptor) -> None:
    rng = np.random.default_rng(3)
    measured = style.measure([replace(plain, base=cloud(rng, 15, 0))])
    assert measured.scores is None
    assert "the base model's pictures" in measured.descriptors[0].reason


def test_two_descriptors_count_alike(plain: Descriptor) -> None:
    rng = np.random.default_rng(4)
    other = replace(plain, name="other", generated=cloud(rng, 300, 4))
    measured = style.measure([plain, other])
    assert measured.scores is not None
    assert measured.scores.generated.mean() == pytest.approx(0.5, abs=0.05)
    assert set(measured.scores.auroc) == {"near", "far"}
    assert min(measured.scores.auroc.values()) > 0.98


@pytest.mark.parametrize(
    ("part", "count", "message"), [("held_out", 19, "20 held-out"), ("base", 4, "5 pic")]
)
def test_too_few_pictures_to_calibrate_are_named(
    plain: Descriptor, part: str, count: int, message: str
) -> None:
    measured = style.measure([replace(plain, **{part: getattr(plain, part)[:count]})])
    assert measured.scores is None
    assert measured.reason is not None
    assert message in measured.reason
