import numpy as np
import pytest
from PIL import Image

from strikebox.generation.backend import Pixels
from strikebox.metrics.matches import Placement
from strikebox.metrics.overlay import overlay

RNG = np.random.default_rng(0)
WHOLE = Placement(mirrored=False, scale=1.0, top=0.0, left=0.0)


def picture(height: int = 64, width: int = 64) -> Pixels:
    small = RNG.integers(0, 256, (8, 8, 3)).astype(np.uint8)
    return np.asarray(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))


def disagreement(laid: Pixels) -> float:
    """Mean difference of red and cyan: none where the two agree."""
    return float(np.abs(laid[..., 0].astype(float) - laid[..., 1]).mean())


def test_a_copy_is_grey() -> None:
    original = picture()
    laid = overlay(original, original, WHOLE)
    assert laid.shape == original.shape
    assert disagreement(laid) == 0
    assert disagreement(overlay(original, picture(), WHOLE)) > 20


def test_mirrored() -> None:
    original = picture()
    place = Placement(mirrored=True, scale=1.0, top=0.0, left=0.0)
    assert disagreement(overlay(np.ascontiguousarray(original[:, ::-1]), original, place)) == 0


def test_a_crop_is_laid_on_what_it_was_cut_from() -> None:
    original = picture(128, 128)
    crop = original[16:112, 8:104]
    place = Placement(mirrored=False, scale=0.75, top=0.125, left=0.0625)
    assert disagreement(overlay(crop, original, place)) == pytest.approx(0, abs=0.5)


def test_sizes_may_differ() -> None:
    original = picture(256, 256)
    small = np.asarray(Image.fromarray(original).resize((64, 64), Image.Resampling.BOX))
    laid = overlay(small, original, WHOLE)
    assert laid.shape == (64, 64, 3)
    assert disagreement(laid) < 2


def test_white_where_the_training_picture_does_not_reach() -> None:
    place = Placement(mirrored=False, scale=1.0, top=-0.25, left=0.0)
    laid = overlay(np.zeros((64, 64, 3), np.uint8), np.zeros((64, 64, 3), np.uint8), place)
    assert (laid[:16, :, 1] == 255).all()
    assert (laid[16:] == 0).all()


def test_of_wide_pictures_the_central_squares() -> None:
    wide = picture(64, 96)
    laid = overlay(wide, np.ascontiguousarray(wide[:, 16:80]), WHOLE)
    assert laid.shape == (64, 64, 3)
    assert disagreement(laid) == 0
