"""Every recipe that was ever served, so that whatever was made by it can be made again."""

import sqlalchemy as sa

from strikebox import recipe as toml
from strikebox.errors import RecipeError
from strikebox.jobs.schema import recipes
from strikebox.recipe import Recipe
from strikebox.site.sql import insert_once


def remember(connection: sa.Connection, recipe: Recipe) -> None:
    """Keep a recipe under its hash."""
    insert_once(connection, recipes, {"hash": recipe.hash, "name": recipe.name, "toml": toml.dumps(recipe)})


def recall(connection: sa.Connection, hash: str) -> Recipe:
    """The recipe with this hash. Raises RecipeError where none was kept."""
    row = connection.execute(sa.select(recipes.c.name, recipes.c.toml).where(recipes.c.hash == hash)).first()
    if row is None:
        raise RecipeError(f"the recipe {hash[:12]} is not known any more; order the picture again")
    return toml.parse(row.toml, row.name)
