"""All pictures: arms as rows, subjects and their seeds as columns."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from strikebox.lab.report.facts import Arm, Facts, Plate
from strikebox.lab.report.pictures import data_url
from strikebox.lab.report.templates import fill
from strikebox.lab.report.words import flops_words, money_words, seconds_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture as the grid shows it; without `url` it is not made yet."""

    anchor: str
    title: str
    caption: str
    alt: str
    starts_subject: bool
    url: str | None
    width: int
    height: int
    details: tuple[tuple[str, str], ...]


def section(facts: Facts) -> Markup | None:
    """The grid."""
    design = facts.run.design
    return fill(
        "grid.html",
        subjects=design.subjects,
        seeds=design.seeds,
        arms=[(arm.recipe, list(_shown(facts, arm))) for arm in facts.arms],
        missing=facts.pictures - facts.made,
    )


def _shown(facts: Facts, arm: Arm) -> Iterator[Shown]:
    for position, plate in enumerate(arm.plates):
        cell = plate.cell
        caption = f"{cell.subject}, seed {cell.seed}"
        yield Shown(
            anchor=plate.anchor,
            title=arm.recipe.title,
            caption=caption,
            alt=f"{arm.recipe.title}: {caption}",
            starts_subject=position % len(facts.run.design.seeds) == 0,
            url=None
            if plate.record is None
            else data_url(facts.run.folder.pictures.path(plate.record.picture)),
            width=cell.size.width,
            height=cell.size.height,
            details=tuple(_details(plate)),
        )


def _details(plate: Plate) -> Iterator[tuple[str, str]]:
    cell, cost, record = plate.cell, plate.cost, plate.record
    if cost is None or record is None:
        return
    yield "Recipe", cell.recipe.name
    several = len(cell.prompts) > 1
    for number, prompt in enumerate(cell.prompts, start=1):
        yield f"Prompt {number}" if several else "Prompt", prompt
    yield "Seed", str(cell.seed)
    yield "Forwards", f"{cost.forwards:,}"
    yield "FLOPs", flops_words(cost.flops)
    yield "Time", seconds_words(cost.seconds)
    if cost.dollars is not None:
        yield "Price", money_words(cost.dollars)
    yield "File", f"pictures/{record.picture[:12]}….png"
