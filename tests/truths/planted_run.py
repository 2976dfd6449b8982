"""Runs whose pictures were put there instead of made: what a measurement must find is then known."""

import io
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from PIL import Image

from strikebox import recipe as recipes
from strikebox import store
from strikebox.generation.backend import Architecture, Model, Pixels, Size
from strikebox.generation.cost import cost_alone
from strikebox.generation.plan import Cell, make_plan
from strikebox.lab import design as designs
from strikebox.lab.design import Design
from strikebox.lab.run import Run
from strikebox.store import CellRecord, Identity

MODEL = Model(
    name="planted",
    hash="0" * 64,
    lora_name="planted-lora",
    lora_hash="1" * 64,
    size=Size(height=128, width=128),
    pixels_per_token=16,
    distilled=False,
    architecture=Architecture(
        double_blocks=2,
        single_blocks=4,
        dim=384,
        mlp_ratio=3.0,
        in_channels=64,
        text_dim=576,
        text_tokens=24,
    ),
)


def design(*names: str, subjects: tuple[str, ...], seeds: tuple[int, ...] = (1, 2, 3)) -> Design:
    """Shipped recipes by name, over subjects and seeds."""
    return Design(
        name="planted",
        title="Planted",
        recipes=tuple(recipes.load(name) for name in names),
        subjects=subjects,
        seeds=seeds,
        style="matchbox style",
    )


def plant(path: Path, planned: Design, draw: Callable[[Cell], Pixels]) -> Run:
    """A finished run in `path` with the picture that `draw` gives for each cell."""
    plan = make_plan(designs.cells(planned, MODEL), MODEL)
    weights = asdict(MODEL)
    lora = {"name": weights.pop("lora_name"), "hash": weights.pop("lora_hash")}
    identity = Identity(design={}, model=weights, lora=lora, settings={})
    copies = {"design.toml": designs.dumps(planned)}
    copies |= {f"recipes/{recipe.name}.toml": recipes.dumps(recipe) for recipe in planned.recipes}
    with store.writing(path, identity, copies) as folder:
        for cell in plan.cells:
            cost = cost_alone(plan, cell)
            folder.write_cell(
                CellRecord(
                    key=cell.key,
                    recipe=cell.recipe.name,
                    subject=cell.subject,
                    seed=cell.seed,
                    prompts=cell.prompts,
                    picture=folder.pictures.put(_png(draw(cell))),
                    forwards=cost.forwards,
                    flops=cost.flops,
                    seconds=1.0,
                )
            )
    return Run.open(path)


def _png(pixels: Pixels) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
