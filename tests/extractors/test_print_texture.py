import numpy as np
import pytest
from PIL import Image

from strikebox.extractors.print_texture import PrintTexture, local_range
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Extractor, Feature

PRINT: Extractor = PrintTexture()


def texture(picture: Pixels) -> Feature:
    return PRINT([picture])[0]


def stripes(period: int, side: int = 128) -> Pixels:
    """Black and white columns, half a period each."""
    line = np.where(np.arange(side) % period < period // 2, 0, 255).astype(np.uint8)
    return np.broadcast_to(line[None, :, None], (side, side, 3)).copy()


def test_the_range_of_a_neighbourhood_by_hand() -> None:
    picture = np.zeros((3, 4, 3), np.float32)
    picture[0, 0], picture[2, 1] = (0.3, 0, 0), (0, 0.4, 0)
    assert local_range(picture) == pytest.approx(np.array([[0.5, 0.4]]))


def test_a_plain_picture_spans_nothing_anywhere() -> None:
    assert texture(np.full((128, 128, 3), 90, np.uint8)) == pytest.approx(np.ones(21))


def test_shares_rise_with_the_threshold_at_each_scale() -> None:
    rng = np.random.default_rng(0)
    shares = texture(rng.integers(0, 256, (128, 128, 3), dtype=np.uint8)).reshape(3, 7)
    assert (np.diff(shares, axis=1) >= 0).all()
    assert ((shares >= 0) & (shares <= 1)).all()


@pytest.mark.parametrize("period", [32, 64])
def test_two_inks_are_either_flat_or_hard_edge(period: int) -> None:
    """Edges lie `period` / 2 apart, and each is seen from two places of half the size: 8 / period of all."""
    shares = texture(stripes(period)).reshape(3, 7)[0]
    assert shares == pytest.approx(np.full(7, 1 - 8 / period), abs=0.06)


def test_a_slope_is_neither() -> None:
    ramp = np.broadcast_to(np.linspace(0, 255, 128).astype(np.uint8)[None, :, None], (128, 128, 3)).copy()
    coarsest = texture(ramp).reshape(3, 7)[2]
    assert coarsest[1] == 0  # everywhere more than 0.06
    assert coarsest[4] == 1  # nowhere as much as 0.24


@pytest.mark.parametrize("turn", [1, 2, 3])
def test_turning_and_mirroring_change_nothing(turn: int) -> None:
    rng = np.random.default_rng(1)
    picture = np.kron(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8), np.ones((8, 8, 1), np.uint8))
    assert texture(np.rot90(picture, turn)) == pytest.approx(texture(picture))
    assert texture(picture[:, ::-1]) == pytest.approx(texture(picture))


def test_a_picture_enlarged_is_much_the_same() -> None:
    cells = np.random.default_rng(3).integers(0, 256, (19, 19, 3), dtype=np.uint8)
    small = np.kron(cells, np.ones((7, 7, 1), np.uint8))[:128, :128]
    large = np.asarray(Image.fromarray(small).resize((1024, 1024), Image.Resampling.LANCZOS))
    other = texture(stripes(32)) - texture(small)
    assert np.linalg.norm(texture(large) - texture(small)) < np.linalg.norm(other) / 20


@pytest.mark.parametrize("size", [(1, 1), (37, 211), (1024, 640)])
def test_any_size_will_do_and_the_batch_does_not_matter(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(2).integers(0, 256, (*size, 3), dtype=np.uint8)
    alone, among = texture(picture), PRINT([stripes(8), picture])[1]
    assert (alone.shape, alone.dtype) == ((21,), np.float32)
    assert (alone == among).all()
