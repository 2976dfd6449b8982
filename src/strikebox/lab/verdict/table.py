"""The table of a verdict: for each recipe style, anatomy, leakage, lettering and overhead, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from strikebox.lab import statistics
from strikebox.lab.blueprint import blueprint
from strikebox.lab.measured import Group, Handoff, Measured
from strikebox.lab.statistics import Contrast, Equivalence, Mean, Rate
from strikebox.lab.verdict.grades import ANATOMY, LEAKAGE, LETTERING, OVERHEAD, STYLE, Grade, grade
from strikebox.recipe import Recipe

KEPT = 0.1  # share of pictures: a recipe that loses no more of the subjects loses nothing that matters

NO_BASE = "the design has no recipe without the LoRA in one pass; add baseline to its recipes"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured of one recipe. None: not measured, and `Measured.missing` says why."""

    recipe: Recipe
    style: Mean
    whole: Rate
    noise: Rate
    leaked: Rate
    lettering: Rate
    style_gain: Contrast | None  # over the baseline; None for the baseline itself
    whole_change: Contrast | None
    lettering_gain: Contrast | None
    whole_kept: Equivalence | None  # is it no worse than the baseline by KEPT?
    overhead: float  # FLOPs over the baseline's
    group: Group
    handoff: Handoff | None
    grades: Mapping[str, Grade | None]  # by column


@dataclass(frozen=True, slots=True)
class Table:
    """Rows in the order of the design; `baseline` is the one that all else is measured against."""

    rows: tuple[Row, ...]
    baseline: Row

    def row(self, recipe: str) -> Row:
        """That of the recipe with this name. Raises KeyError."""
        return {row.recipe.name: row for row in self.rows}[recipe]

    @property
    def candidates(self) -> tuple[Row, ...]:
        """Rows that may be shipped: all but controls."""
        return tuple(row for row in self.rows if row.recipe.control_of is None)


def table(measured: Measured, generator: np.random.Generator) -> Table:
    """Estimates, intervals and words; p-values are adjusted (Holm) over all recipes of a column."""
    recipes = measured.run.design.recipes
    base = baseline(recipes)
    others = [recipe for recipe in recipes if recipe is not base]
    style = _contrasts(measured, "style", base, others, generator)
    whole = _rate_contrasts(measured, "whole", base, others, generator)
    lettering = _rate_contrasts(measured, "lettering", base, others, generator)
    rows = [_row(measured, recipe, base, style, whole, lettering) for recipe in recipes]
    return Table(tuple(rows), next(row for row in rows if row.recipe is base))


def baseline(recipes: tuple[Recipe, ...]) -> Recipe:
    """The first recipe without the LoRA and with one pass, else the first of all."""
    plain = (r for r in recipes if not r.uses_lora and len(r.passes) == 1 and r.control_of is None)
    return next(plain, recipes[0])


def _row(
    measured: Measured,
    recipe: Recipe,
    base: Recipe,
    style: Mapping[str, Contrast],
    whole: Mapping[str, Contrast],
    lettering: Mapping[str, Contrast],
) -> Row:
    model, size = measured.run.model, measured.run.design.size
    flops, base_flops = (blueprint(one, model, size).cost.flops for one in (recipe, base))
    handoffs = {handoff.recipe: handoff for handoff in measured.handoffs}
    mean = statistics.mean(measured.values(recipe, "style"))
    rates = {name: statistics.rate(measured.flags(recipe, name)) for name in _RATES}
    ceiling = statistics.rate(measured.flags(base, "whole")).estimate
    gain = lettering.get(recipe.name)
    kept = statistics.equivalence(measured.values(recipe, "whole"), measured.values(base, "whole"), KEPT)
    return Row(
        recipe=recipe,
        style=mean,
        whole=rates["whole"],
        noise=rates["noise"],
        leaked=rates["leaked"],
        lettering=rates["lettering"],
        style_gain=style.get(recipe.name),
        whole_change=whole.get(recipe.name),
        lettering_gain=gain,
        whole_kept=None if recipe is base else kept,
        overhead=flops / base_flops,
        group=measured.groups.get(recipe.name, Group()),
        handoff=handoffs.get(recipe.name),
        grades={
            "style": grade(STYLE, mean.estimate, mean.low, mean.high),
            "anatomy": _relative(rates["whole"], ceiling),
            "leakage": grade(
                LEAKAGE, rates["leaked"].estimate, rates["leaked"].exact_low, rates["leaked"].exact_high
            ),
            "lettering": None if gain is None else grade(LETTERING, gain.estimate, gain.low, gain.high),
            "overhead": grade(OVERHEAD, flops / base_flops - 1, None, None),
        },
    )


_RATES = ("whole", "noise", "leaked", "lettering")


def _relative(rate: Rate, ceiling: float | None) -> Grade | None:
    """A rate as a share of the baseline's; None where the baseline itself shows nothing whole."""
    if rate.estimate is None or not ceiling:
        return None
    low, high = (None if end is None else end / ceiling for end in (rate.low, rate.high))
    return grade(ANATOMY, rate.estimate / ceiling, low, high)


def _contrasts(
    measured: Measured, column: str, base: Recipe, others: list[Recipe], generator: np.random.Generator
) -> dict[str, Contrast]:
    reference = measured.values(base, column)
    found = {r.name: statistics.contrast(measured.values(r, column), reference, generator) for r in others}
    return statistics.adjusted(found)


def _rate_contrasts(
    measured: Measured, column: str, base: Recipe, others: list[Recipe], generator: np.random.Generator
) -> dict[str, Contrast]:
    reference = measured.flags(base, column)
    found = {
        r.name: statistics.rate_contrast(measured.flags(r, column), reference, generator) for r in others
    }
    return statistics.adjusted(found)
