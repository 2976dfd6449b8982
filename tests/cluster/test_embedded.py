"""The embedded model on two nodes, through Python's own door: the very bits of a run without a cluster."""

from dataclasses import replace
from pathlib import Path

import pytest

from strikebox import api
from strikebox.api import Cluster
from strikebox.lab import design
from strikebox.recipe import Recipe, TextToImage

SEED = design.load("seed")


def short(recipe: Recipe) -> Recipe:
    """Four steps instead of 28."""
    (only,) = recipe.passes
    assert isinstance(only, TextToImage)
    return replace(recipe, passes=(replace(only, steps=4),))


@pytest.mark.slow
def test_two_actors_give_the_bits_of_none(address: str, tmp_path: Path) -> None:
    recipes = tuple(short(one) for one in SEED.recipes if one.name in ("baseline", "lora"))
    tiny = replace(SEED, recipes=recipes, subjects=("cat",), seeds=(1, 2))
    alone = api.ablate(
        tiny,
        tmp_path / "alone",
        backend=api.load_backend(threads=1, dtype="float32"),
        settings={"dtype": "float32"},
        spectrum=api.latent_spectrum(),
        batch_size=1,
    )
    there = api.ablate(
        tiny,
        tmp_path / "there",
        dtype="float32",
        batch_size=1,
        cluster=Cluster(address=address, actors=2),
    )
    assert there.table()["sha256"].to_list() == alone.table()["sha256"].to_list()
    assert there.folder.identity() == alone.folder.identity()
