"""Guidance in an interval of noise levels: fewer forwards, and nothing else changes."""

from dataclasses import replace

import pytest

from strikebox import recipe as recipes
from strikebox.errors import RecipeError
from strikebox.generation.cost import cost_alone
from strikebox.generation.plan import Plan, make_cell, make_plan
from strikebox.generation.toy import ToyBackend
from strikebox.passes import TextToImage, guidance_at
from strikebox.recipe import Recipe

MODEL = ToyBackend().model
PASS = TextToImage(prompt="{subject}", steps=10, guidance=4.0)


def plan(*passes: TextToImage) -> Plan:
    made = [Recipe(name=f"r{k}", title="R", passes=(p,)) for k, p in enumerate(passes)]
    return make_plan([make_cell(recipe, "cat", 1, MODEL) for recipe in made], MODEL)


def test_steps_outside_cost_one_forward() -> None:
    limited = plan(replace(PASS, guidance_sigma=(0.5, 0.9)))
    sigmas = [sigma for s in limited.segments for sigma in s.sigmas[:-1]]
    inside = sum(0.5 < sigma <= 0.9 for sigma in sigmas)
    assert 0 < inside < 10
    assert cost_alone(limited, limited.cells[0]).forwards == 10 + inside
    assert [s.guidance for s in limited.segments] == [1.0, 4.0, 1.0]
    for segment in limited.segments:
        for sigma in segment.sigmas[:-1]:
            assert segment.guidance == guidance_at(4.0, (0.5, 0.9), sigma)


def test_the_whole_interval_is_no_interval() -> None:
    """Recipes, cells and latents that were before keep their names."""
    whole = replace(PASS, guidance_sigma=(0.0, 1.0))
    assert plan(whole).segments == plan(PASS).segments
    assert "guidance_sigma" not in recipes.dumps(Recipe(name="r", title="R", passes=(whole,)))
    assert recipes.load("sandwich").hash == recipes.parse(recipes.dumps(recipes.load("sandwich")), "s").hash


def test_an_interval_makes_another_recipe_whose_beginning_is_shared() -> None:
    high = replace(PASS, guidance_sigma=(0.8, 1.0))
    both = plan(PASS, high)
    assert both.cells[0].key != both.cells[1].key
    assert both.guided_steps < both.guided_steps_alone


def test_it_is_read_and_written() -> None:
    limited = Recipe(name="r", title="R", passes=(replace(PASS, guidance_sigma=(0.25, 0.9)),))
    assert recipes.parse(recipes.dumps(limited), "r") == limited


@pytest.mark.parametrize("interval", [(0.9, 0.5), (-0.1, 1.0), (0.0, 1.1), (0.5, 0.5)])
def test_an_impossible_interval_is_refused(interval: tuple[float, float]) -> None:
    with pytest.raises(RecipeError, match="guidance_sigma"):
        replace(PASS, guidance_sigma=interval)
