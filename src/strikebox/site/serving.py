"""Which recipe the site serves: the one that a run recommends, or a shipped one."""

from dataclasses import replace
from pathlib import Path

from strikebox import recipe as recipes
from strikebox.errors import RecipeError
from strikebox.recipe import Recipe
from strikebox.site.settings import RecipeSection

RECOMMENDED = "recommended"
FALLBACK = "sandwich-0.6"  # where no run recommends anything


def served_recipe(section: RecipeSection) -> Recipe:
    """The recipe to serve. Raises RecipeError where it cannot be read, or asks for more than a subject."""
    recipe = _recommended(section.run) if section.name == RECOMMENDED else recipes.load(section.name)
    if "other" in recipe.needs:
        raise RecipeError(
            f"{recipe.name}: its prompts need {{other}}, which no visitor is asked for; serve another"
        )
    return recipe


def recommending_run(section: RecipeSection) -> Path | None:
    """The folder of the run whose recipe is served; None where it is another's."""
    recommended = section.name == RECOMMENDED and (section.run / f"{RECOMMENDED}.toml").is_file()
    return section.run if recommended else None


def _recommended(run: Path) -> Recipe:
    file = run / f"{RECOMMENDED}.toml"
    if not file.is_file():
        return recipes.load(FALLBACK)
    found = recipes.load(file)
    return replace(found, name=_shipped_name(found.hash) or found.name)


def _shipped_name(hash: str) -> str | None:
    """The name under which people know it."""
    return next((name for name in recipes.shipped() if recipes.load(name).hash == hash), None)
