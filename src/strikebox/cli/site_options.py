"""Options that the site and its workers share."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from strikebox.site.settings import Settings

Config = Annotated[
    Path | None,
    typer.Option(help="The configuration. Default: strikebox.toml here, if there is one."),
]
Recipe = Annotated[
    str | None,
    typer.Option(
        help="A shipped recipe's name, or a .toml file. Default: what runs/better recommends, if it is there."
    ),
]


def settings(config: Path | None, recipe: str | None) -> "Settings":
    """The configuration, with the recipe that the command line names. Raises SettingsError."""
    from strikebox.site.settings import Settings

    read = Settings.read(config)
    if recipe is None:
        return read
    return read.model_copy(update={"recipe": read.recipe.model_copy(update={"name": recipe})})
