import numpy as np
import pytest

from strikebox.metrics import views
from strikebox.metrics.features import Feature
from strikebox.metrics.views import BOXES


def features(rng: np.random.Generator, count: int, shared: float = 0.0, dim: int = 32) -> Feature:
    """Random features (count, 2, 5, dim), all with something in common."""
    own = rng.normal(size=(count, 2, len(BOXES), dim)) + shared * rng.normal(size=dim)
    return own.astype(np.float32)


def test_the_whole_of_a_picture_is_found() -> None:
    rng = np.random.default_rng(0)
    training = features(rng, 40)
    found = views.match(training[[7, 3]], training)
    assert found.training[:, 0].tolist() == [7, 3]
    assert not found.mirrored[:, 0].any()
    assert found.alike[:, 0].min() > 2 * found.alike[:, 1].max()
    assert found.scale[:, 0].tolist() == [1, 1]
    assert found.top[:, 0].tolist() == found.left[:, 0].tolist() == [0, 0]


def test_a_mirror_image_is_found() -> None:
    rng = np.random.default_rng(1)
    training = features(rng, 40)
    found = views.match(training[[5], ::-1], training)
    assert found.training[0, 0] == 5
    assert found.mirrored[0, 0]


@pytest.mark.parametrize(
    ("own", "other", "scale", "top", "left"),
    [(0, 4, 0.75, 0.25, 0.25), (2, 0, 4 / 3, 0, -1 / 3), (1, 4, 1, 0.25, 0.25)],
)
def test_views_say_how_the_picture_lies(own: int, other: int, scale: float, top: float, left: float) -> None:
    """The view `own` of the picture looks like the view `other` of the training picture."""
    rng = np.random.default_rng(2)
    training, picture = features(rng, 40), features(rng, 1)
    picture[0, 0, own] = training[9, 0, other]
    place = views.match(picture, training).placement(0)
    assert (place.scale, place.top, place.left) == pytest.approx((scale, top, left))


def test_what_all_have_in_common_counts_for_nothing() -> None:
    """A cosine of 0.99 with everything is no match; one that stands out from 0.2 is."""
    rng = np.random.default_rng(3)
    training = features(rng, 60)
    weak = training[[4], :1] + 2 * features(rng, 1)[:, :1].repeat(2, axis=1)
    common = features(rng, 60, shared=10)
    stands_out = views.match(weak, training).alike[0, 0]
    alike_to_all = views.match(features(rng, 1) + common.mean(axis=0), common).alike[0, 0]
    assert stands_out > alike_to_all


def test_the_unit_is_the_spread_over_the_farther_training_pictures() -> None:
    """Whole pictures in two dimensions: cosines 1, and for the rest those of known angles."""
    angles = np.linspace(0, np.pi / 2, 20)
    training = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = views.match(np.array([[1, 0]], np.float32), training)
    others = np.cos(angles)[5:]
    assert found.training[0].tolist() == list(range(8))
    assert found.alike[0, 0] == pytest.approx((1 - others.mean()) / others.std(), rel=1e-5)


def test_with_few_training_pictures_alike_is_the_cosine() -> None:
    training = np.eye(3, dtype=np.float32)
    found = views.match(np.array([[0.6, 0.8, 0]], np.float32), training)
    assert found.training[0].tolist() == [1, 0, 2]
    assert found.alike[0] == pytest.approx([0.8, 0.6, 0])


def test_whitening_forgets_the_directions_in_which_everything_differs() -> None:
    """One direction varies a hundred times as much and says nothing of who is who."""
    rng = np.random.default_rng(4)
    training = rng.normal(size=(50, 16)).astype(np.float32)
    training[:, 0] *= 30
    pictures = training.copy()
    pictures[:, 0] = rng.normal(size=50) * 30
    plain, whitened = views.match(pictures, training), views.match(pictures, training, whiten=True)
    assert (whitened.training[:, 0] == np.arange(50)).mean() > (plain.training[:, 0] == np.arange(50)).mean()


def test_the_margin_is_to_the_next_different_picture() -> None:
    rng = np.random.default_rng(5)
    training = features(rng, 30)
    training[1] = training[0]
    found = views.match(training[[0]], training)
    groups = [0, 0, *range(2, 30)]
    assert found.margin(0) == pytest.approx(0, abs=1e-6)
    margin = found.margin(0, groups)
    assert margin is not None
    assert margin == pytest.approx(found.alike[0, 0] - found.alike[0, 2])


def test_without_another_group_there_is_no_margin() -> None:
    training = np.eye(3, dtype=np.float32)
    assert views.match(training[:1], training).margin(0, [0, 0, 0]) is None
