"""The table of a verdict: recipes as rows, what was asked of them as columns, and the p-values behind it."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from strikebox.lab import sweep
from strikebox.lab.report import graded
from strikebox.lab.report.facts import Facts
from strikebox.lab.report.graded import Graded
from strikebox.lab.report.templates import fill
from strikebox.lab.statistics import Contrast
from strikebox.lab.verdict.grades import LADDERS
from strikebox.lab.verdict.table import Row
from strikebox.lab.words import UNKNOWN, interval_words, number_words, p_words, share_words
from strikebox.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A row of the table."""

    anchor: str
    recipe: Recipe
    tags: tuple[str, ...]
    cells: tuple[Graded, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Rows that belong together."""

    title: str | None
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A difference from the baseline."""

    estimate: str
    interval: str
    p: str
    p_holm: str


_NOT_COMPARED = Change(estimate=UNKNOWN, interval="", p="", p_holm="")


def section(facts: Facts) -> Markup | None:
    """The table, and what is behind its words."""
    if facts.verdict is None:
        return None
    rows, baseline = facts.verdict.table.rows, facts.verdict.table.baseline
    return fill(
        "table.html",
        ladders=LADDERS,
        groups=list(_groups(facts)),
        baseline=baseline.recipe.title,
        missing=bool(facts.verdict.measured.missing),
        changes=[(row.recipe, _changes(row)) for row in rows if row is not baseline and _compared(row)],
        smallest_p=_smallest_p(rows),
        subjects=len(facts.run.design.subjects),
        varieties=[(row.recipe, _variety(row)) for row in rows if _has_variety(row)],
    )


def anchor(recipe: str) -> str:
    """Where the row of a recipe stands on the page."""
    return f"r-{recipe}"


def _groups(facts: Facts) -> Iterator[Group]:
    """Arms, then each sweep, then controls; within each the order of the design."""
    assert facts.verdict is not None
    names = {recipe.name: recipe.title for recipe in facts.run.design.recipes}
    swept = {
        point.recipe.name: f"{names.get(one.base, one.base)}, by {sweep.TITLES[one.over]}"
        for one in sweep.series(facts.run.design.recipes)
        for point in one.points
    }
    titles: dict[str | None, list[Line]] = {None: []}
    for row in facts.verdict.table.rows:
        title = "Controls" if row.recipe.control_of else swept.get(row.recipe.name)
        titles.setdefault(title, []).append(_line(facts, row))
    for title in sorted(titles, key=lambda one: one == "Controls"):
        if titles[title]:
            yield Group(title=title, lines=tuple(titles[title]))


def _line(facts: Facts, row: Row) -> Line:
    assert facts.verdict is not None
    name, is_baseline = row.recipe.name, row is facts.verdict.table.baseline
    recommendation = facts.verdict.recommendation
    tags = {
        "ship": name == recommendation.recipe,
        "baseline": is_baseline,
        "front": name in recommendation.front,
    }
    return Line(
        anchor=anchor(name),
        recipe=row.recipe,
        tags=tuple(tag for tag, holds in tags.items() if holds),
        cells=graded.cells(row, is_baseline),
    )


def _compared(row: Row) -> bool:
    changes = (row.style_gain, row.whole_change, row.lettering_gain)
    return any(change is not None and change.estimate is not None for change in changes)


def _changes(row: Row) -> tuple[Change, ...]:
    return (
        _change(row.style_gain, share=False),
        _change(row.whole_change, share=True),
        _change(row.lettering_gain, share=True),
    )


def _change(found: Contrast | None, share: bool) -> Change:
    if found is None or found.estimate is None:
        return _NOT_COMPARED

    def words(number: float) -> str:
        return number_words(100 * number, 0, sign=True) if share else number_words(number, sign=True)

    return Change(
        estimate=words(found.estimate) + (" points" if share else ""),
        interval=interval_words(found.low, found.high, words),
        p=p_words(found.p),
        p_holm=p_words(found.p_holm),
    )


def _smallest_p(rows: tuple[Row, ...]) -> str:
    """The smallest p that this many subjects can give."""
    changes = (change for row in rows for change in (row.style_gain, row.whole_change, row.lettering_gain))
    known = (change.smallest_p for change in changes if change and change.smallest_p is not None)
    return number_words(min(known, default=None), 4).rstrip("0")


def _has_variety(row: Row) -> bool:
    group = row.group
    known = (group.rke, group.seed_lock, group.global_collapse, group.c_t, row.noise.estimate)
    return any(figure is not None for figure in known)


def _variety(row: Row) -> tuple[tuple[str, str], ...]:
    """A figure and its p-value each."""
    group = row.group
    return (
        (share_words(row.noise.estimate), ""),
        (number_words(group.rke, 1), ""),
        (number_words(group.seed_lock, sign=True), _with_p(group.seed_lock_p)),
        (number_words(group.global_collapse, sign=True), "collapsed" if group.collapsed else ""),
        (number_words(group.c_t, 1, sign=True), _with_p(group.c_t_p)),
    )


def _with_p(p: float | None) -> str:
    return "" if p is None else f"p {p_words(p)}"
