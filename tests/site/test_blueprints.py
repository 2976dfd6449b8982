"""How a picture was made is drawn on its page, in the visitor's language."""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from filled import MODEL, opened, publish

from strikebox import recipe as recipes
from strikebox.lab.blueprint_words import ENGLISH
from strikebox.site import words as languages
from strikebox.site.app import create_app
from strikebox.site.context import Site
from strikebox.site.pages.blueprints import draw

NAMES_AND_UNITS = {
    "LoRA",
    "LORA",
    "toy",
    "FLOP",
    "kFLOP",
    "MFLOP",
    "GFLOP",
    "TFLOP",
    "subject",
    "style",
    "other",
}


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = opened(tmp_path)
    yield site
    site.close()


def said(svg: str) -> str:
    """What a drawing says, to the eye and to screen readers; names of blocks and models aside."""
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg) + re.findall(r'aria-label="([^"]*)"', svg)
    return unescape(" ".join(texts))


@pytest.mark.parametrize("name", recipes.shipped())
def test_no_english_word_is_left_in_a_russian_drawing(name: str) -> None:
    toml = recipes.dumps(recipes.load(name))
    text = said(draw(toml, name, MODEL, MODEL.size, None, "ru"))
    known, found = NAMES_AND_UNITS | {MODEL.name}, set(re.findall(r"[A-Za-z]{2,}", text))
    assert found - known == set()
    assert re.search("[а-я]", text)


def test_both_languages_have_the_same_phrases() -> None:
    assert languages.words("en").blueprint("steps", n=1) == "1 step"
    assert languages.words("ru").blueprint("steps", n=3) == "3 шага"
    assert {f"blueprint.{key}" for key in ENGLISH} <= languages.words("ru").table.keys()


@pytest.mark.parametrize(("language", "word"), [("en", "How this was made"), ("ru", "Как это сделано")])
def test_the_page_of_a_picture_draws_it(site: Site, language: str, word: str) -> None:
    """Workers know their weights' hash; the site, which reads no weights, does not."""
    model = {"name": MODEL.name, "hash": "another", "lora_name": "x", "lora_hash": "y"}
    publish(site, "1" * 32, "fox", toml=recipes.dumps(site.recipe), model=model)
    publish(site, "2" * 32, "fox", toml=recipes.dumps(site.recipe), model={**model, "name": "unknown"})
    with TestClient(create_app(site, MODEL), headers={"accept-language": language}) as browser:
        page = browser.get(f"/pictures/{'1' * 32}").text
        assert word in page and '<div class="blueprint"><svg' in page
        assert "blueprint" not in browser.get(f"/pictures/{'2' * 32}").text
