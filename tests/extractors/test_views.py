import numpy as np
import pytest

from strikebox.extractors.views import mirrored, square
from strikebox.generation.backend import Pixels
from strikebox.metrics.views import BOXES

RNG = np.random.default_rng(0)


def picture(height: int = 64, width: int = 64) -> Pixels:
    return RNG.integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_the_whole_view_is_the_central_square() -> None:
    wide = picture(64, 100)
    assert (square(wide, 64) == wide[:, 18:82]).all()
    assert (square(wide.transpose(1, 0, 2), 64) == wide[:, 18:82].transpose(1, 0, 2)).all()


@pytest.mark.parametrize("box", BOXES[1:])
def test_parts_are_three_quarters_of_a_side(box: tuple[float, float, float]) -> None:
    one = picture()
    top, left = int(box[0] * 64), int(box[1] * 64)
    assert (square(one, 48, box) == one[top : top + 48, left : left + 48]).all()


def test_mirroring_twice_changes_nothing() -> None:
    one = picture()
    assert (mirrored(one)[:, 0] == one[:, -1]).all()
    assert (mirrored(mirrored(one)) == one).all()
