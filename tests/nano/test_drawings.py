"""Names, captions and the held-out choice: what can be proved without the drawings themselves."""

from __future__ import annotations

import io
import random
import re
from pathlib import Path

import captions
import drawings
import numpy as np
import pytest
from animals import ANIMALS, NAMES, animal_of
from naming import clean
from PIL import Image
from sets import SETS, Glyph, bare

PAIRS = [(s.name, name, name) for s in SETS for name in NAMES] + [
    (s.name, f"thing {k}", None) for s in SETS for k in range(1000)
]


def test_there_are_forty_animals_with_names_of_their_own() -> None:
    names = [name for animal in ANIMALS for name in (animal.en, *animal.aliases)]
    assert len(ANIMALS) == 40
    assert len(set(names)) == len(names)
    assert {"cat", "dog", "fox", "bear", "owl"} <= set(NAMES)


@pytest.mark.parametrize("name", ["polar bear", "black cat", "cat with tears of joy", "hot dog"])
def test_a_name_that_only_holds_an_animal_is_not_that_animal(name: str) -> None:
    assert animal_of(name) is None


def test_a_face_is_its_animal() -> None:
    assert animal_of("cat face") == "cat"


@pytest.mark.parametrize(
    ("raw", "name"),
    [("Jack-O-Lantern", "jack o lantern"), ("woman’s hat", "womans hat"), ("ladybug", "ladybug")],
)
def test_clean(raw: str, name: str) -> None:
    assert clean(raw) == name


def test_variation_selectors_do_not_make_another_code() -> None:
    assert bare("2764-fe0f-200d-1f525") == "2764-200D-1F525"


def test_held_out_is_stable_about_a_twentieth_and_two_of_each_animal() -> None:
    chosen = drawings.held_out(PAIRS)
    assert chosen == drawings.held_out(reversed(PAIRS))
    assert len(chosen) / len(PAIRS) == pytest.approx(0.05, abs=0.01)
    assert all(sum(name == animal for _, name in chosen) >= 2 for animal in NAMES)


def test_holding_back_does_not_depend_on_other_subjects() -> None:
    things = {pair for pair in drawings.held_out(PAIRS) if pair[1].startswith("thing")}
    assert things == drawings.held_out(p for p in PAIRS if p[2] is None)


def test_a_bitmap_is_scaled_to_fill_the_square_and_keeps_its_aspect(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (256, 256))
    picture.paste((200, 30, 30, 255), (100, 40, 140, 120))
    picture.save(tmp_path / "x.webp", lossless=True)
    glyph = Glyph(set="fluent-emoji-3d", file="x", code=None, svg=None, bitmap=tmp_path / "x.webp")
    rendered = drawings.render(glyph)
    assert rendered is not None
    assert rendered.size == (128, 128)
    assert rendered.getchannel("A").point([255 * (a > 127) for a in range(256)]).getbbox() == (36, 8, 92, 120)


def test_an_encoded_drawing_keeps_its_alpha_exactly() -> None:
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (128, 128, 4), dtype=np.uint8)
    file = drawings.encode(Image.fromarray(pixels, "RGBA"))
    decoded = np.asarray(Image.open(io.BytesIO(file)).convert("RGBA"))
    assert (decoded[..., 3] == pixels[..., 3]).all()


def spoken(background: str, count: int = 4000) -> list[str]:
    rng = random.Random(0)
    return [captions.caption("cat", "кошка", "noto", background, rng) for _ in range(count)]


def share(pattern: str, texts: list[str]) -> float:
    return sum(bool(re.search(pattern, text)) for text in texts) / len(texts)


def test_shares_of_style_background_and_language() -> None:
    texts = spoken("red")
    assert share("style|стиль", texts) == pytest.approx(0.5, abs=0.03)
    assert share("background|фоне", texts) == pytest.approx(0.8, abs=0.03)
    assert share("кошка", texts) == pytest.approx(0.15, abs=0.02)
    assert share("background|фоне", spoken("white")) == pytest.approx(0.2, abs=0.03)


def test_a_caption_speaks_one_language() -> None:
    for text in spoken("orange", 500):
        assert re.fullmatch(r"cat(, shaded style)?(, on an orange background)?", text) or re.fullmatch(
            r"кошка(, объёмный стиль)?(, на оранжевом фоне)?", text
        )


def test_without_a_russian_name_every_caption_is_english() -> None:
    rng = random.Random(0)
    texts = {captions.caption("cat", None, "noto", "red", rng) for _ in range(500)}
    assert not any(re.search("[а-яё]", text) for text in texts)


def test_no_style_is_named_like_the_labels_and_all_differ() -> None:
    styles = [s.style for s in SETS]
    assert "matchbox" not in styles
    assert len(set(styles)) == len(styles) == len({s.style_ru for s in SETS})
