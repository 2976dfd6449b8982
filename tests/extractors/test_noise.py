import numpy as np
import pytest
from PIL import Image

from strikebox.extractors.noise import Noise, disorder, fine_detail, fragments
from strikebox.extractors.oklab import oklab
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Extractor, Feature

NOISE: Extractor = Noise()


def look(picture: Pixels) -> Feature:
    return NOISE([picture])[0]


def waves(cycles: int, side: int = 128) -> Pixels:
    grey = np.rint(127.5 + 100 * np.sin(2 * np.pi * cycles * np.arange(side) / side)).astype(np.uint8)
    return np.broadcast_to(grey[None, :, None], (side, side, 3)).copy()


def bands(count: int) -> Pixels:
    """Stripes of as many colours."""
    colours = np.array([[250, 20, 20], [20, 250, 20], [20, 20, 250], [250, 250, 20]], np.uint8)[:count]
    return np.repeat(np.repeat(colours, 128 // count, axis=0)[None], 128, axis=0)


def grain(seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (128, 128, 3), dtype=np.uint8)


def test_a_blank_picture_is_no_noise() -> None:
    assert look(np.full((90, 60, 3), 77, np.uint8)) == pytest.approx([0, 0, 0], abs=1e-4)


@pytest.mark.parametrize(("cycles", "share"), [(4, 0), (16, 0), (24, 1), (60, 1)])
def test_detail_is_fine_from_waves_of_under_seven_pixels(cycles: int, share: float) -> None:
    assert fine_detail(oklab(waves(cycles))[..., 0]) == pytest.approx(share, abs=0.02)


def test_white_noise_is_fine_by_the_area_of_its_frequencies() -> None:
    """A flat spectrum has 1 - pi 0.15^2 of its power beyond a circle of radius 0.15 in the unit square."""
    shares = [fine_detail(np.random.default_rng(seed).normal(size=(128, 128))) for seed in range(20)]
    assert np.mean(shares) == pytest.approx(1 - np.pi * 0.15**2, abs=0.005)


@pytest.mark.parametrize(("count", "outside"), [(2, 0), (4, 1 / 4)])
def test_fragments_lie_outside_the_three_largest_segments(count: int, outside: float) -> None:
    assert fragments(Image.fromarray(bands(count))) == pytest.approx(outside)


def test_a_chequered_picture_is_all_fragments() -> None:
    tiles = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((16, 16))).astype(np.uint8) * 255
    assert fragments(Image.fromarray(np.repeat(tiles[..., None], 3, 2))) == pytest.approx(1 - 3 / 64)


def test_order_is_the_correlation_of_neighbours() -> None:
    """Moran's I: 0 where tiles could change places, -1 where each is the opposite of those beside it."""
    tiles = np.kron(np.indices((8, 8)).sum(0) % 2, np.ones((16, 16)))
    assert disorder(np.repeat(tiles[..., None], 3, 2)) == pytest.approx(1, abs=1e-4)
    assert np.mean([disorder(oklab(grain(seed))) for seed in range(20)]) == pytest.approx(0, abs=0.05)
    assert disorder(oklab(waves(1))) < -0.6


def test_shuffling_tiles_takes_order_away() -> None:
    picture = waves(1)
    tiles = picture.reshape(8, 16, 8, 16, 3).swapaxes(1, 2).reshape(64, 16, 16, 3)
    shuffled = tiles[np.random.default_rng(0).permutation(64)].reshape(8, 8, 16, 16, 3).swapaxes(1, 2)
    assert look(shuffled.reshape(128, 128, 3))[2] > look(picture)[2] + 0.5


def test_size_and_company_do_not_matter() -> None:
    large = np.repeat(np.repeat(bands(4), 4, axis=0), 4, axis=1)
    assert NOISE([grain(), large])[1] == pytest.approx(look(bands(4)))
    assert look(bands(2)[:50, :97]).shape == (3,)
