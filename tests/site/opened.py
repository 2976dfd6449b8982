"""What tests of the site share: settings with room for everybody, and pictures that nobody rendered."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from strikebox.jobs.schema import pictures
from strikebox.recipe import dumps
from strikebox.site.context import Site
from strikebox.site.pictures import Picture
from strikebox.site.settings import Settings

ROOMY = {"burst": 10_000, "per_day": 10_000, "network_per_day": 10_000, "queue": 10_000}


def settings_in(folder: Path, database: str | None = None, **sections: Any) -> Settings:
    """Everything in `folder`; `sections` as keywords of dictionaries."""
    values: dict[str, Any] = {
        "storage": {"folder": folder, "database": database},
        "recipe": {"name": "soft"},
        "limits": ROOMY,
        "budget": {"dollars_per_day": 1000.0},
    }
    return Settings(**{**values, **sections})


def picture(site: Site, id: str, subject: str = "cat", **values: Any) -> Picture:
    """A picture of 64 x 64 pixels whose files are not there."""
    made = Picture(
        id=id,
        state="public",
        subject=subject,
        prompts=(subject,),
        seed=1,
        recipe=site.recipe.name,
        recipe_hash=site.recipe.hash,
        toml=dumps(site.recipe),
        model={"name": "toy", "hash": "toy", "lora_name": None, "lora_hash": None},
        width=64,
        height=64,
        file=f"{id:0>64}.png",
        thumbnail=f"{id:0>64}.webp",
        enlarged=None,
        created=0.0,
        votes=0,
        hall=None,
        maker="maker",
        finding=None,
        forwards=56,
        flops=10**15,
        seconds=2.0,
        dollars=0.001,
    )
    return replace(made, **values)


def publish(site: Site, id: str, subject: str = "cat", **values: Any) -> Picture:
    """Publish one; a given `created` is kept."""
    made = picture(site, id, subject, **values)
    with site.database.writing() as connection:
        site.pictures.publish(connection, made)
        if "created" in values:
            moved = sa.update(pictures).where(pictures.c.id == id).values(created=values["created"])
            connection.execute(moved)
    found = site.pictures.find(id)
    assert found is not None
    return found
