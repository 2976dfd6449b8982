import numpy as np
import pytest
from PIL import Image

from strikebox.extractors.oklab import oklab, small, small_square
from strikebox.extractors.palette import Palette, half_sphere
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Extractor

PALETTE: Extractor = Palette()


def plain(*rgb: int, height: int = 48, width: int = 48) -> Pixels:
    return np.full((height, width, 3), rgb, np.uint8)


def noise(seed: int, *size: int) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def apart(first: Pixels, second: Pixels) -> float:
    a, b = PALETTE([first, second])
    return float(np.linalg.norm(a - b))


@pytest.mark.parametrize(
    ("rgb", "lab"),
    [
        ((255, 255, 255), (1, 0, 0)),
        ((0, 0, 0), (0, 0, 0)),
        ((255, 0, 0), (0.62796, 0.22486, 0.12585)),
        ((0, 0, 255), (0.45201, -0.03246, -0.31153)),
    ],
)
def test_oklab_of_known_colours(rgb: tuple[int, int, int], lab: tuple[float, float, float]) -> None:
    assert oklab(plain(*rgb, height=1, width=1))[0, 0] == pytest.approx(lab, abs=1e-4)


def test_the_square_is_that_of_the_centre_and_the_whole_is_squeezed() -> None:
    wide = np.concatenate([plain(255, 0, 0), plain(0, 255, 0), plain(0, 0, 255)], axis=1)
    assert small_square(wide, 8) == pytest.approx(small(plain(0, 255, 0), 8))
    assert len(np.unique(small(wide, 6).reshape(-1, 3).round(3), axis=0)) == 3


def test_directions_are_unit_vectors_that_see_every_axis_alike() -> None:
    directions = half_sphere(16)
    assert np.linalg.norm(directions, axis=1) == pytest.approx(np.ones(16))
    assert directions.T @ directions == pytest.approx(np.eye(3) * 16 / 3, abs=0.5)


def test_where_a_colour_stands_does_not_matter() -> None:
    picture = noise(0, 48, 48)
    shuffled = np.random.default_rng(1).permutation(picture.reshape(-1, 3)).reshape(48, 48, 3)
    assert apart(picture, shuffled) == pytest.approx(0, abs=1e-5)


def test_two_plain_colours_are_as_far_apart_as_all_their_colour_must_move() -> None:
    move = (oklab(plain(200, 40, 30)) - oklab(plain(20, 90, 200)))[0, 0] * [1, 2, 2]
    expected = np.sqrt(np.square(half_sphere(16) @ move).mean())
    assert apart(plain(200, 40, 30), plain(20, 90, 200)) == pytest.approx(expected, rel=1e-4)


def test_the_distance_is_the_sliced_wasserstein_distance_of_the_colours() -> None:
    """In one dimension W2 pairs values in order; only what happens within a share is lost."""
    first = noise(2, 48, 48)
    second = (noise(3, 48, 48) // 3 + np.array([0, 60, 120])).astype(np.uint8)
    projected = [
        np.sort(oklab(p).reshape(-1, 3) * [1, 2, 2] @ half_sphere(16).T, axis=0) for p in (first, second)
    ]
    exact = np.sqrt(np.square(projected[0] - projected[1]).mean())
    assert 0.97 * exact < apart(first, second) <= exact * 1.0001


def test_a_little_more_of_a_colour_is_a_little_farther() -> None:
    base = plain(240, 230, 200)
    steps = []
    for rows in (4, 12, 24):
        picture = base.copy()
        picture[:rows] = (200, 40, 30)
        steps.append(apart(base, picture))
    assert steps == sorted(steps)
    assert 0 < steps[0] < steps[2] / 1.5


@pytest.mark.parametrize("size", [(1, 1), (37, 211), (128, 128), (1024, 640)])
def test_any_size_will_do_and_the_batch_does_not_matter(size: tuple[int, int]) -> None:
    picture = noise(4, *size)
    alone, among = PALETTE([picture])[0], PALETTE([plain(1, 2, 3), picture])[1]
    assert (alone.shape, alone.dtype) == ((256,), np.float32)
    assert (alone == among).all()
    assert np.isfinite(alone).all()


def test_a_picture_enlarged_has_the_same_palette() -> None:
    blocks = np.kron(noise(5, 8, 8), np.ones((16, 16, 1), np.uint8))
    large = np.asarray(Image.fromarray(blocks).resize((1024, 1024), Image.Resampling.LANCZOS))
    assert apart(blocks, large) < 0.02


def test_no_picture_no_feature() -> None:
    assert PALETTE([]) == []
