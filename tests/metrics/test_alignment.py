import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from strikebox.extractors.thumbnail import Thumbnail
from strikebox.generation.backend import Pixels
from strikebox.metrics import alignment
from strikebox.metrics.features import Feature


def drawings(count: int, seed: int = 0) -> list[Pixels]:
    """Patches of four flat colours with wavy borders."""
    rng = np.random.default_rng(seed)
    palette = np.array([[240, 230, 200], [190, 40, 30], [30, 60, 110], [220, 170, 60]], np.uint8)
    fields = (ndimage.gaussian_filter(rng.normal(size=(128, 128)), 9) for _ in range(count))
    return [palette[np.digitize(field, np.quantile(field, [0.25, 0.5, 0.75]))] for field in fields]


def look(pictures: list[Pixels]) -> Feature:
    return np.stack(Thumbnail()(pictures))


TRAINING = drawings(12)
GALLERY = look(TRAINING)


def cropped(picture: Pixels, top: float, left: float, kept: float) -> Pixels:
    box = (128 * left, 128 * top, 128 * (left + kept), 128 * (top + kept))
    return np.asarray(Image.fromarray(picture).resize((128, 128), Image.Resampling.BICUBIC, box=box))


def test_a_copy_lies_where_it_came_from() -> None:
    found = alignment.match(GALLERY[[3]], GALLERY)
    place = found.placement(0)
    assert found.training[0, 0] == 3
    assert found.alike[0, 0] == pytest.approx(1, abs=1e-4)
    assert (place.mirrored, place.scale, place.top, place.left) == (False, 1, 0, 0)


@pytest.mark.parametrize(
    ("top", "left", "kept"), [(0.1, 0.05, 0.8), (0.0, 0.25, 0.75), (0.12, 0.0, 0.85), (0.06, 0.06, 0.9)]
)
@pytest.mark.parametrize("mirrored", [False, True])
def test_a_crop_is_placed_to_a_cell_or_two(top: float, left: float, kept: float, mirrored: bool) -> None:
    original = TRAINING[5][:, ::-1] if mirrored else TRAINING[5]
    found = alignment.match(look([cropped(original, top, left, kept)]), GALLERY)
    place = found.placement(0)
    assert found.training[0, 0] == 5
    assert place.mirrored == mirrored
    assert (place.scale, place.top, place.left) == pytest.approx((kept, top, left), abs=2 / 48)


def test_a_shifted_picture_is_placed() -> None:
    moved = ndimage.shift(TRAINING[2], (11, -8, 0), order=0, cval=235)
    place = alignment.match(look([moved]), GALLERY).placement(0)
    assert (place.top, place.left) == pytest.approx((-11 / 128, 8 / 128), abs=1 / 48)


def test_it_does_not_see_colours() -> None:
    swapped = 255 - TRAINING[8][..., [2, 0, 1]]
    found = alignment.match(look([swapped]), GALLERY)
    assert found.training[0, 0] == 8
    assert found.alike[0, 0] > 0.8


def test_other_drawings_are_much_less_alike() -> None:
    found = alignment.match(look(drawings(5, seed=1)), GALLERY)
    assert found.alike[:, 0].max() < 0.5


def test_a_shared_frame_speaks_for_nobody() -> None:
    framed = [picture.copy() for picture in drawings(24, seed=2)]
    for picture in framed:
        picture[:12], picture[-12:], picture[:, :12], picture[:, -12:] = 20, 20, 20, 20
        picture[6:-6:4] = 220
    found = alignment.match(look(framed[20:]), look(framed[:20]))
    assert found.alike[:, 0].max() < 0.5


def test_the_most_alike_come_first_and_each_once() -> None:
    found = alignment.match(GALLERY[:4], GALLERY)
    assert found.training.shape == (4, 8)
    assert (np.diff(found.alike, axis=1) <= 0).all()
    assert all(len(set(row)) == 8 for row in found.training.tolist())


def test_each_picture_is_placed_by_itself() -> None:
    together = alignment.match(GALLERY[:3], GALLERY)
    alone = alignment.match(GALLERY[[1]], GALLERY)
    assert together.alike[1] == pytest.approx(alone.alike[0], abs=1e-6)
    assert together.training[1].tolist() == alone.training[0].tolist()


def test_one_training_picture_is_enough() -> None:
    found = alignment.match(GALLERY[:2], GALLERY[:1])
    assert found.training.tolist() == [[0], [0]]
    assert found.alike[0, 0] == pytest.approx(1, abs=1e-4)
    assert found.alike[1, 0] < 0.6


def test_mirroring_the_map_is_mirroring_the_picture() -> None:
    mirrored = [np.ascontiguousarray(picture[:, ::-1]) for picture in TRAINING]
    assert np.abs(alignment.mirror(GALLERY) - look(mirrored)).max() < 0.02


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_blank_picture_resembles_nothing(value: int) -> None:
    found = alignment.match(look([np.full((128, 128, 3), value, np.uint8)]), GALLERY)
    assert np.isfinite(found.alike).all()
    assert found.alike.max() < 0.7
