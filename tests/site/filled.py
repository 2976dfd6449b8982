"""A site on a real database with published pictures, for tests of pages; its clock is the machine's."""

import io
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import sqlalchemy as sa
from PIL import Image, PngImagePlugin

from strikebox.generation.toy import ToyBackend
from strikebox.jobs.schema import pictures
from strikebox.site.context import Site, open_site
from strikebox.site.pictures import Picture
from strikebox.site.settings import LimitsSection, RecipeSection, Settings, StorageSection

MODEL = ToyBackend().model
SIDE = 64


def settings(folder: Path, **sections: object) -> Settings:
    """A site of its own in `folder`, on the recipe `soft`; nobody is in a hurry."""
    calm = LimitsSection(burst=100, per_day=1000, network_per_day=1000, proof_of_work="off")
    known = {"storage": StorageSection(folder=folder), "recipe": RecipeSection(name="soft"), "limits": calm}
    return Settings(**{**known, **sections})  # type: ignore[arg-type]


def opened(folder: Path, **sections: object) -> Site:
    return open_site(settings(folder, **sections))


def png(seed: int, side: int = SIDE) -> bytes:
    """A PNG with metadata, of four flat colours."""
    colours = np.random.default_rng(seed).integers(0, 256, (2, 2, 3), dtype=np.uint8)
    text = PngImagePlugin.PngInfo()
    text.add_text("parameters", "cat\nSteps: 28")
    buffer = io.BytesIO()
    pixels = colours.repeat(side // 2, axis=0).repeat(side // 2, axis=1)
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def webp(seed: int) -> bytes:
    buffer = io.BytesIO()
    Image.open(io.BytesIO(png(seed))).convert("RGB").save(buffer, "WEBP")
    return buffer.getvalue()


def publish(site: Site, id: str, subject: str, **changes: object) -> Picture:
    """Put a picture there, as a worker does: files, then the row."""
    seed = sum(map(ord, id))
    said: dict[str, object] = {
        "id": id,
        "state": "public",
        "subject": subject,
        "prompts": (f"{subject}, matchbox style",),
        "seed": seed,
        "recipe": site.recipe.name,
        "recipe_hash": site.recipe.hash,
        "toml": "",
        "model": {"name": MODEL.name, "hash": MODEL.hash, "lora_name": None, "lora_hash": None},
        "width": SIDE,
        "height": SIDE,
        "file": site.media.put(png(seed), "png"),
        "thumbnail": site.media.put(webp(seed), "webp"),
        "enlarged": None,
        "created": 0.0,
        "votes": 0,
        "hall": None,
        "maker": None,
        "finding": None,
        "forwards": 56,
        "flops": 119_000_000_000,
        "seconds": 2.9,
        "dollars": 0.00008,
    }
    picture = Picture(**{**said, **changes})  # type: ignore[arg-type]
    with site.database.writing() as connection:
        site.pictures.publish(connection, picture)
    return picture


def fill(site: Site, subjects: Sequence[str]) -> list[str]:
    """Pictures of these subjects, each a minute older than the one before; their ids."""
    ids = [f"{number:032x}" for number in range(1, len(subjects) + 1)]
    for id, subject in zip(ids, subjects, strict=True):
        publish(site, id, subject)
    with site.database.writing() as connection:
        for minutes, id in enumerate(ids):
            made = time.time() - 60 * minutes - 30
            connection.execute(sa.update(pictures).where(pictures.c.id == id).values(created=made))
    return ids


def hang(site: Site, id: str) -> None:
    """Into the Hall of Fame, enlarged."""
    site.hall.admit(id, "tester")
    name = site.media.put(png(7, 2 * SIDE), "png")
    with site.database.writing() as connection:
        site.pictures.enlarge(connection, id, name)
