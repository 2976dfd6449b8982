from collections.abc import Sequence

import numpy as np
import pytest

from strikebox.extractors.views import Viewed, mirrored, square
from strikebox.generation.backend import Pixels
from strikebox.metrics import views
from strikebox.metrics.features import Feature
from strikebox.metrics.views import BOXES

RNG = np.random.default_rng(0)


def picture(height: int = 64, width: int = 64) -> Pixels:
    return RNG.integers(0, 256, (height, width, 3)).astype(np.uint8)


class Raw:
    """The pixels themselves."""

    name = "raw"
    version = "3"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        return [one.astype(np.float32).ravel() for one in pictures]


def test_the_whole_view_is_the_central_square() -> None:
    wide = picture(64, 100)
    assert (square(wide, 64) == wide[:, 18:82]).all()
    assert (square(wide.transpose(1, 0, 2), 64) == wide[:, 18:82].transpose(1, 0, 2)).all()


@pytest.mark.parametrize("box", BOXES[1:])
def test_parts_are_three_quarters_of_a_side(box: tuple[float, float, float]) -> None:
    one = picture()
    top, left = int(box[0] * 64), int(box[1] * 64)
    assert (square(one, 48, box) == one[top : top + 48, left : left + 48]).all()


def test_any_extractor_becomes_a_copy_descriptor() -> None:
    pictures = [picture() for _ in range(3)]
    found = Viewed(Raw(), side=16)(pictures)
    assert [one.shape for one in found] == [(2, 5, 16 * 16 * 3)] * 3
    assert (found[1][0, 2] == square(pictures[1], 16, BOXES[2]).ravel()).all()
    assert (found[1][1, 2] == square(mirrored(pictures[1]), 16, BOXES[2]).ravel()).all()
    assert (Viewed(Raw(), 16).name, Viewed(Raw(), 16).version) == ("raw-views", "3-16-1")
    assert Viewed(Raw(), 16)([]) == []


def test_and_finds_mirrored_pictures() -> None:
    training = [picture() for _ in range(20)]
    look = Viewed(Raw(), side=16)
    found = views.match(np.stack(look([mirrored(training[4])])), np.stack(look(training)))
    assert found.training[0, 0] == 4
    assert found.mirrored[0, 0]
