import numpy as np
import pytest
from PIL import Image, ImageDraw

from strikebox.extractors.composition import Composition, Tones, oriented_edges
from strikebox.extractors.oklab import oklab, small
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Extractor

COMPOSITION: Extractor = Composition()
Box = tuple[int, int, int, int]


def scene(*boxes: Box, ground: str = "#f2e6c9", ink: str = "#c8392b") -> Pixels:
    image = Image.new("RGB", (128, 128), ground)
    for box in boxes:
        ImageDraw.Draw(image).rectangle(box, fill=ink)
    return np.asarray(image)


def cosine(first: Pixels, second: Pixels) -> float:
    a, b = COMPOSITION([first, second])
    return float(a @ b)


HOUSE: tuple[Box, ...] = ((20, 60, 100, 110), (40, 20, 80, 60))
BAR: tuple[Box, ...] = ((5, 5, 122, 20),)


def test_a_feature_is_a_unit_vector() -> None:
    feature = COMPOSITION([scene(*HOUSE)])[0]
    assert (feature.shape, feature.dtype) == ((577,), np.float32)
    assert np.linalg.norm(feature) == pytest.approx(1, abs=1e-6)


def test_equal_is_one_and_elsewhere_is_little() -> None:
    assert cosine(scene(*HOUSE), scene(*HOUSE)) == pytest.approx(1, abs=1e-6)
    assert cosine(scene(*HOUSE), scene(*BAR)) < 0.2


@pytest.mark.parametrize(
    ("ground", "ink"), [("#f2e6c9", "#1f7a80"), ("#1d2f36", "#f1e6c8"), ("#7a8a90", "#8a7a90")]
)
def test_other_colours_leave_it_near_itself_even_where_dark_and_light_change_places(
    ground: str, ink: str
) -> None:
    assert cosine(scene(*HOUSE), scene(*HOUSE, ground=ground, ink=ink)) > 0.4


def test_the_mirror_image_is_another_composition() -> None:
    left = scene((10, 30, 40, 100), (60, 80, 70, 120))
    assert cosine(left, np.ascontiguousarray(left[:, ::-1])) < 0.3


def test_blank_pictures_agree_with_each_other_whatever_their_colour() -> None:
    assert cosine(scene(), scene(ground="#203040")) == pytest.approx(1, abs=1e-6)
    assert abs(cosine(scene(), scene(*HOUSE))) < 0.2


def test_grain_is_no_edge() -> None:
    rng = np.random.default_rng(0)
    grain = np.clip(scene().astype(int) + rng.integers(-2, 3, (128, 128, 1)), 0, 255).astype(np.uint8)
    assert cosine(scene(), grain) > 0.9


def test_an_upright_edge_falls_into_the_bin_of_its_gradient() -> None:
    edges = oriented_edges(small(scene((64, 0, 127, 127)), 64))
    assert edges[:, [3, 4], 0].min() > 0.3
    assert edges[:, :, 1:].max() < 1e-6
    lying = oriented_edges(small(scene((0, 64, 127, 127)), 64))
    assert lying[[3, 4], :, 3].min() > 0.3


def test_an_edge_between_two_bins_belongs_to_both() -> None:
    image = Image.new("RGB", (64, 64), "white")
    ImageDraw.Draw(image).polygon([(0, 0), (64, 0), (0, 64)], fill="black")
    edges = oriented_edges(small(np.asarray(image), 64)).sum(axis=(0, 1))
    assert edges.argsort()[-2:].tolist() in ([1, 2], [2, 1])


@pytest.mark.parametrize("size", [(1, 1), (37, 211), (1024, 640)])
def test_any_size_will_do_and_the_batch_does_not_matter(size: tuple[int, int]) -> None:
    picture = np.random.default_rng(1).integers(0, 256, (*size, 3), dtype=np.uint8)
    alone, among = COMPOSITION([picture])[0], COMPOSITION([scene(), picture])[1]
    assert (alone == among).all()
    assert np.isfinite(alone).all()


def test_a_picture_enlarged_is_the_same_composition() -> None:
    large = np.asarray(Image.fromarray(scene(*HOUSE)).resize((1024, 1024), Image.Resampling.LANCZOS))
    assert cosine(scene(*HOUSE), large) > 0.98


def test_a_thumbnail_is_the_means_of_its_cells() -> None:
    blocks = np.random.default_rng(2).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    large = np.kron(blocks, np.ones((40, 20, 1), np.uint8))
    tones: Extractor = Tones()
    (feature,) = tones([large])
    assert (feature.shape, feature.dtype) == ((192,), np.float32)
    assert feature.reshape(8, 8, 3) == pytest.approx(oklab(blocks) * [1, 2, 2], abs=1e-6)
