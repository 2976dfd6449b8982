import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from strikebox.extractors.lettering import Lettering, find_lines
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Extractor

LETTERING: Extractor = Lettering()
PAPER, INK = (240, 228, 200), (30, 40, 70)


def written(
    text: str, *, ink: tuple[int, ...] = INK, paper: tuple[int, ...] = PAPER, size: int = 22, scale: int = 1
) -> Pixels:
    """A text in the middle of 128 x 128, or `scale` times as large."""
    image = Image.new("RGB", (128 * scale, 128 * scale), paper)
    font = ImageFont.load_default(size * scale)
    ImageDraw.Draw(image).text((64 * scale, 64 * scale), text, ink, font, anchor="mm")
    return np.asarray(image)


def row_of(shape: str, count: int, *, gap: int = 4) -> Pixels:
    """Equal shapes side by side."""
    image = Image.new("RGB", (128, 128), PAPER)
    draw = ImageDraw.Draw(image)
    for left in range(6, 6 + count * (10 + gap), 10 + gap):
        getattr(draw, shape)((left, 60, left + 10, 74), INK)
    return np.asarray(image)


@pytest.mark.parametrize("text", ["MATCHES", "SAVE", "PAX", "PEACE 1961"])
@pytest.mark.parametrize("light", [False, True])
@pytest.mark.parametrize("scale", [1, 5])
def test_a_line_is_found_where_it_stands(text: str, light: bool, scale: int) -> None:
    ink, paper = (PAPER, INK) if light else (INK, PAPER)
    picture = written(text, ink=ink, paper=paper, scale=scale)
    (line,) = find_lines(picture)
    marks = (np.abs(picture.astype(int) - paper).sum(axis=2) > 100).nonzero()
    edges = [marks[1].min(), marks[0].min(), marks[1].max() + 1, marks[0].max() + 1]
    assert np.array(line.box) * 128 * scale == pytest.approx(np.array(edges), abs=8 * scale)
    assert line.light == light
    assert len(text.replace(" ", "")) - 2 <= line.letters <= len(text)


def test_the_level_lies_between_ink_and_paper() -> None:
    (line,) = find_lines(written("MATCHES", ink=(100,) * 3, paper=(160,) * 3))
    assert 100 < line.level < 160


def test_lines_come_from_top_to_bottom() -> None:
    picture = np.concatenate([written("SAVE THE")[32:96], written("FOREST")[32:96]])
    upper, lower = find_lines(picture)
    assert upper.box[3] <= 0.5 <= lower.box[1]


def test_the_feature_is_area_and_letters() -> None:
    picture = written("MATCHES")
    (line,), (feature,) = find_lines(picture), LETTERING([picture])
    left, top, right, bottom = line.box
    assert feature == pytest.approx([(right - left) * (bottom - top), line.letters])
    assert 0.05 < feature[0] < 0.25


@pytest.mark.parametrize(
    "picture",
    [
        row_of("ellipse", 8),
        row_of("rectangle", 8),
        row_of("rectangle", 5, gap=12),
        np.full((128, 128, 3), 200, np.uint8),
        np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8),
        np.broadcast_to(np.arange(128, dtype=np.uint8)[:, None] * 2, (128, 128))[..., None].repeat(3, 2),
        np.zeros((1, 1, 3), np.uint8),
        written("MATCHES", size=4),
    ],
    ids=["beads", "bricks", "posts", "blank", "grain", "shade", "a pixel", "too small to see"],
)
def test_what_is_no_lettering_is_not_found(picture: Pixels) -> None:
    assert find_lines(picture) == ()
    assert LETTERING([picture])[0].tolist() == [0, 0]


def test_letters_that_the_edge_cuts_do_not_count() -> None:
    assert find_lines(written("MATCHES")[64:]) == ()


def test_pictures_do_not_depend_on_their_company() -> None:
    wide, square = written("PEACE TO ALL", scale=2)[64:192], written("MATCHES")
    together = LETTERING([wide, square, wide])
    assert [feature.tolist() for feature in together] == [
        LETTERING([p])[0].tolist() for p in (wide, square, wide)
    ]
