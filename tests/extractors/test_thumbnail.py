import numpy as np
import pytest
from PIL import Image

from strikebox.extractors.thumbnail import Thumbnail
from strikebox.generation.backend import Pixels

RNG = np.random.default_rng(0)


def half(angle: float, dark: int = 0, light: int = 255, side: int = 96) -> Pixels:
    """Dark on one side of a line through the middle, light on the other, to which `angle` points."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    field = np.where(x * np.cos(angle) + y * np.sin(angle) > 0, light, dark)
    return np.repeat(field[..., None], 3, axis=-1).astype(np.uint8)


def look(*pictures: Pixels) -> np.ndarray:
    return np.stack(Thumbnail()(pictures))


@pytest.mark.parametrize("direction", range(4))
def test_a_line_counts_in_its_own_direction(direction: int) -> None:
    (lines,) = look(half(direction * np.pi / 4))
    strongest = lines[24, 24]
    assert lines.shape == (48, 48, 4)
    assert lines.dtype == np.float32
    assert strongest.argmax() == direction
    assert strongest[(direction + 2) % 4] < 0.05 * strongest[direction]


def test_light_and_dark_may_change_places() -> None:
    ones, others = look(half(0.5), half(0.5, dark=255, light=0))
    assert ones == pytest.approx(others, abs=5e-3)


def test_inks_of_equal_lightness_meet_in_a_line() -> None:
    picture = half(0.0)
    picture[picture[..., 0] == 0] = (200, 60, 60)
    picture[picture[..., 0] == 255] = (60, 133, 60)  # as light as the other: 0.2126 R + 0.7152 G + 0.0722 B
    (lines,) = look(picture)
    assert lines[24, 24, 0] > 0.5


def test_a_faint_line_counts_nearly_as_much_as_a_strong_one() -> None:
    strong, faint = look(half(0.0), half(0.0, dark=110, light=140))
    assert faint[24, 24, 0] > 0.6 * strong[24, 24, 0]


def test_nothing_is_no_line() -> None:
    (lines,) = look(np.full((30, 50, 3), 90, np.uint8))
    assert not lines.any()


@pytest.mark.parametrize("size", [(96, 96), (480, 480), (40, 40)])
def test_size_hardly_matters(size: tuple[int, int]) -> None:
    original = half(1.0, side=240)
    resized = np.asarray(Image.fromarray(original).resize(size, Image.Resampling.BICUBIC))
    ones, others = look(original, resized)
    assert np.corrcoef(ones.ravel(), others.ravel())[0, 1] > 0.95


def test_of_wide_pictures_the_central_square() -> None:
    wide = np.concatenate(
        [np.zeros((96, 48, 3), np.uint8), half(0.0), np.zeros((96, 48, 3), np.uint8)], axis=1
    )
    ones, others = look(half(0.0), wide)
    assert ones[8:-8, 8:-8] == pytest.approx(others[8:-8, 8:-8], abs=1e-3)


def test_a_picture_does_not_depend_on_the_others() -> None:
    pictures = [RNG.integers(0, 256, (64, 64, 3)).astype(np.uint8) for _ in range(3)]
    assert (look(*pictures)[1] == look(pictures[1])[0]).all()
    assert Thumbnail()([]) == []
