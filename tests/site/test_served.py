"""The About page says with what pictures are made: model, LoRA, recipe, cost."""

from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from filled import MODEL, opened

from strikebox import api
from strikebox import recipe as recipes
from strikebox.lora import header
from strikebox.site.app import create_app
from strikebox.site.pages.served import lora_of
from strikebox.site.settings import ModelSection, RecipeSection

EMBEDDED = api.lora_file(None, None)
needs_lora = pytest.mark.skipif(EMBEDDED is None or not EMBEDDED.exists(), reason="no embedded LoRA here")


def about(folder: Path, recipe: str, language: str = "en", known: bool = True) -> str:
    site = opened(folder, recipe=RecipeSection(name=recipe))
    with site.database.writing() as connection:
        site.waiting.measured_in(connection, "w", site.recipe.hash, 4, 36.0)
    assert EMBEDDED is not None
    app = create_app(site, MODEL, lora=header.read(EMBEDDED)) if known else create_app(site)
    with TestClient(app, headers={"accept-language": language}) as browser:
        text = browser.get("/about").text
    site.close()
    return " ".join(text.split())


@needs_lora
def test_model_lora_recipe_and_cost(tmp_path: Path) -> None:
    text = about(tmp_path, "sandwich")
    assert f"<dd>{MODEL.name}</dd>" in text
    assert "<dd>matchbox style, scale 2, rank 32</dd>" in text
    assert recipes.load("sandwich").hash in text
    assert "108 forwards, " in text and "$0.00025 lately" in text  # 9 s at 0.10 dollars an hour


@needs_lora
def test_in_russian(tmp_path: Path) -> None:
    text = about(tmp_path, "sandwich", "ru")
    assert "<dd>matchbox style, сила 2, ранг 32</dd>" in text and "108 прогонов сети" in text


@needs_lora
def test_a_recipe_without_a_lora(tmp_path: Path) -> None:
    assert "<dt>LoRA</dt><dd>none</dd>" in about(tmp_path, "baseline")


@needs_lora
def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    text = about(tmp_path, "sandwich", known=False)
    assert "<dt>LoRA</dt><dd>scale 2</dd>" in text and "<dt>Model</dt>" not in text


def test_scales_of_several_passes_are_a_range() -> None:
    text = recipes.dumps(recipes.load("thumbnail"))
    recipe = recipes.parse(text, "thumbnail")
    found = lora_of(recipe, None)
    assert found is not None and found.rank is None and float(found.scales.split()[0]) > 0


@pytest.mark.parametrize(("model", "shown"), [("owner/klein-4B", True), ("/srv/models/secret", False)])
def test_a_path_is_the_operators(tmp_path: Path, model: str, shown: bool) -> None:
    site = opened(tmp_path, model=ModelSection(model=model))
    with TestClient(create_app(site)) as browser:
        assert (model in browser.get("/about").text) is shown
    site.close()
