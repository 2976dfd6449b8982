"""All pictures: arms as rows, subjects and their seeds as columns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from strikebox.lab.report import measures
from strikebox.lab.report.facts import Arm, CellName, Facts, Plate
from strikebox.lab.report.measures import Figures, Mark
from strikebox.lab.report.pictures import AS_IS, Form, data_url, fitting
from strikebox.lab.report.templates import fill
from strikebox.lab.words import flops_words, money_words, seconds_words


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
    marks: tuple[Mark, ...]
    details: tuple[tuple[str, str], ...]


def section(facts: Facts) -> Markup | None:
    """The grid."""
    design = facts.run.design
    figures = None if facts.verdict is None else measures.by_cell(facts.verdict.measured)
    shown = (plate for arm in facts.arms for plate in facts.shown(arm))
    form = fitting([path for plate in shown if (path := _path(facts, plate))])
    arms = [(arm.recipe, list(_shown(facts, arm, figures or {}, form))) for arm in facts.arms]
    return fill(
        "grid.html",
        subjects=design.subjects,
        seeds=facts.seeds,
        left_out=_left_out(facts),
        arms=arms,
        missing=facts.pictures - facts.made,
        compressed=None if form == AS_IS else _compressed(facts, form),
        kinds=sorted({mark.kind for _, plates in arms for plate in plates for mark in plate.marks}),
    )


def _path(facts: Facts, plate: Plate) -> Path | None:
    return None if plate.record is None else facts.run.folder.pictures.path(plate.record.picture)


def _left_out(facts: Facts) -> str | None:
    """What is said where not all pictures are shown."""
    shown, seeds = len(facts.seeds), len(facts.run.design.seeds)
    if shown == seeds:
        return None
    return (
        f"Of {seeds:,} seeds the first {shown:,} are shown; all pictures count, and lie in the run's folder, "
        "in pictures/, named in cells.parquet."
    )


def _compressed(facts: Facts, form: Form) -> str:
    """What is said where pictures are not shown as they are."""
    largest = max(max(plate.cell.size.width, plate.cell.size.height) for plate in facts.arms[0].plates)
    side = f" and at most {form.side} px a side" if form.side < largest else ""
    return (
        f"They are too many for a phone as they are, so they are shown compressed{side}; the PNG files are "
        "in the run's folder, in pictures/."
    )


def _shown(facts: Facts, arm: Arm, figures: Mapping[CellName, Figures], form: Form) -> Iterator[Shown]:
    for position, plate in enumerate(facts.shown(arm)):
        cell, measured, path = plate.cell, figures.get(plate.name), _path(facts, plate)
        marks = () if measured is None or plate.record is None else tuple(measures.marks(measured))
        caption = f"{cell.subject}, seed {cell.seed}"
        yield Shown(
            anchor=plate.anchor,
            title=arm.recipe.title,
            caption=caption,
            alt="; ".join((f"{arm.recipe.title}: {caption}", *(mark.words for mark in marks))),
            starts_subject=position % len(facts.seeds) == 0,
            url=None if path is None else data_url(path, form),
            width=cell.size.width,
            height=cell.size.height,
            marks=marks,
            details=tuple(_details(plate, measured)),
        )


def _details(plate: Plate, measured: Figures | None) -> Iterator[tuple[str, str]]:
    cell, cost, record = plate.cell, plate.cost, plate.record
    if cost is None or record is None:
        return
    if measured is not None:
        yield from measures.details(measured)
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
