"""Sweeps as small plots: style, anatomy and leakage along one value of a recipe."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from strikebox.lab import sweep
from strikebox.lab.report import graded
from strikebox.lab.report.facts import Facts
from strikebox.lab.report.plots import At, Curve, curve_plot
from strikebox.lab.report.templates import fill
from strikebox.lab.sweep import Over, Series
from strikebox.lab.verdict.grades import ANATOMY, LEAKAGE, STYLE, Ladder
from strikebox.lab.verdict.table import Row, Table

_DOUBLING = ("rank", "steps")  # spaced by their logarithm


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One of the plots of a sweep; without `markup` nothing was measured."""

    title: str
    words: str
    markup: Markup | None


def section(facts: Facts) -> Markup | None:
    """Three plots a sweep; left out where the design has none, or nothing along it was measured."""
    if facts.verdict is None:
        return None
    table, titles = facts.verdict.table, {arm.recipe.name: arm.recipe.title for arm in facts.arms}
    drawn: list[tuple[str, str, list[Plot]]] = []
    for number, one in enumerate(sweep.series(facts.run.design.recipes), start=1):
        plots = list(_plots(table, one, number))
        if len(one.points) > 1 and any(plot.markup for plot in plots):
            drawn.append((titles.get(one.base, one.base), sweep.TITLES[one.over], plots))
    return fill("sweeps.html", sweeps=drawn, baseline=table.baseline.recipe.title) if drawn else None


def _plots(table: Table, one: Series, number: int) -> Iterator[Plot]:
    points = sorted(one.points, key=lambda point: point.value)
    for ladder in (STYLE, ANATOMY, LEAKAGE):
        along = tuple(_at(point.value, table.row(point.recipe.name), ladder) for point in points)
        drawn = any(at.y is not None for at in along)
        curve = _curve(f"s{number}-{ladder.column}", one.over, along, ladder, table)
        yield Plot(title=ladder.title, words=ladder.of, markup=curve_plot(curve) if drawn else None)


def _curve(key: str, over: Over, along: tuple[At, ...], ladder: Ladder, table: Table) -> Curve:
    reference = table.baseline.grades.get(ladder.column)
    return Curve(
        key=key,
        points=along,
        doubling=over in _DOUBLING,
        ladder=ladder,
        reference=None if reference is None else reference.number,
        description=f"{ladder.title} by {sweep.TITLES[over]}: {_words(along, ladder)}",
    )


def _at(value: float, row: Row, ladder: Ladder) -> At:
    grade = row.grades.get(ladder.column)
    if grade is None:
        return At(value, None, None, None)
    return At(value, grade.number, grade.low, grade.high)


def _words(points: tuple[At, ...], ladder: Ladder) -> str:
    return "; ".join(
        f"{at.x:g}: {'not measured' if at.y is None else graded.form(ladder, at.y)}" for at in points
    )
