"""What a run comes to: the recipe to ship, with its reasons and pictures, and the seven pitfalls."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from strikebox import recipe as recipes
from strikebox.lab import sweep
from strikebox.lab.report import graded, table
from strikebox.lab.report.facts import Arm, Facts, Plate
from strikebox.lab.report.pictures import small_url
from strikebox.lab.report.plots import Dot, front_plot
from strikebox.lab.report.templates import fill
from strikebox.lab.verdict import Verdict
from strikebox.lab.verdict.finding import Finding, Status
from strikebox.lab.verdict.recommend import Recommendation
from strikebox.lab.verdict.table import Row
from strikebox.lab.words import number_words, share_words
from strikebox.recipe import Recipe

MOST_SUBJECTS = 8
_FEW = 6  # pictures that a strip shows at least, where there are as many
_SIDE = 256
_FRONT = "the Pareto front over style, anatomy, leakage and cost"
_ORDER: tuple[Status, ...] = ("found", "open", "cleared")


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """A picture of the strip."""

    anchor: str
    url: str
    alt: str
    caption: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pitfall:
    """A finding as the list shows it."""

    finding: Finding
    recipes: tuple[tuple[str, str], ...]  # anchor of the row, and title


def section(facts: Facts) -> Markup | None:
    """The verdict."""
    if facts.verdict is None:
        return None
    recommendation, rows = facts.verdict.recommendation, facts.verdict.table
    chosen = rows.row(recommendation.recipe)
    arm = next(arm for arm in facts.arms if arm.recipe.name == chosen.recipe.name)
    return fill(
        "headline.html",
        recipe=chosen.recipe,
        because=(*recommendation.because, *_standing(facts, chosen, recommendation)),
        figures=graded.cells(chosen, chosen is rows.baseline),
        strip=list(_strip(facts, arm)),
        toml=recipes.dumps(chosen.recipe),
        front=_front(facts),
        pitfalls=_pitfalls(facts),
        counts=_counts(facts.verdict.findings),
    )


def _standing(facts: Facts, chosen: Row, recommendation: Recommendation) -> Iterator[str]:
    """Its place on the Pareto front, in a sentence; nothing where its cost alone is known."""
    if all(figure.estimate is None for figure in (chosen.style, chosen.whole, chosen.leaked)):
        return
    titles = {arm.recipe.name: arm.recipe.title for arm in facts.arms}
    others = [titles[name] for name in recommendation.front if name != recommendation.recipe]
    if recommendation.recipe not in recommendation.front:
        verb = "is" if len(others) == 1 else "are"
        yield f"It is not on {_FRONT}; {_listed(others)} {verb}."
    elif others:
        yield f"It is on {_FRONT}, with {_listed(others)}: none of these is beaten in everything."
    else:
        yield "It alone is on the Pareto front: no recipe beats it in style, anatomy, leakage or cost."


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _strip(facts: Facts, arm: Arm) -> Iterator[Frame]:
    for plate in _chosen(facts, arm):
        if plate.record is None:
            continue
        cell = plate.cell
        caption = f"{cell.subject}, seed {cell.seed}"
        yield Frame(
            anchor=plate.anchor,
            url=small_url(facts.run.folder.pictures.path(plate.record.picture), _SIDE),
            alt=f"{arm.recipe.title}, to ship: {caption}",
            caption=caption,
        )


def _chosen(facts: Facts, arm: Arm) -> Iterator[Plate]:
    """One picture of each of the first subjects; more where there are few subjects."""
    subjects, seeds = facts.run.design.subjects[:MOST_SUBJECTS], facts.run.design.seeds
    shown = seeds[: max(1, _FEW // len(subjects))]
    return (p for p in arm.plates if p.cell.subject in subjects and p.cell.seed in shown)


def _front(facts: Facts) -> Markup | None:
    """Style against anatomy of all candidates; nothing where either was not measured."""
    assert facts.verdict is not None
    rows, labels = facts.verdict.table.candidates, _labels(facts)
    dots = {row.recipe.title: dot for row in rows if (dot := _dot(row, facts.verdict, labels)) is not None}
    if len(dots) < 2:
        return None
    words = (f"{title} {_dot_words(dot)}" for title, dot in dots.items())
    return front_plot(list(dots.values()), f"Style and anatomy: {'; '.join(words)}")


def _labels(facts: Facts) -> Mapping[str, str]:
    """What recipes are called beside their dots: the letter of the arm, else the value in a sweep."""
    swept = {
        point.recipe.name: f"{point.value:g}"
        for series in sweep.series(facts.run.design.recipes)
        for point in series.points
    }
    return swept | {arm.recipe.name: arm.recipe.arm for arm in facts.arms if arm.recipe.arm}


def _dot(row: Row, verdict: Verdict, labels: Mapping[str, str]) -> Dot | None:
    if row.style.estimate is None or row.whole.estimate is None:
        return None
    return Dot(
        style=row.style.estimate,
        whole=row.whole.estimate,
        label=labels.get(row.recipe.name, ""),
        chosen=row.recipe.name == verdict.recommendation.recipe,
        sound=row.recipe.name in verdict.recommendation.sound,
    )


def _dot_words(dot: Dot) -> str:
    return f"{number_words(dot.style)}, {share_words(dot.whole)}, {'sound' if dot.sound else 'not sound'}"


def _pitfalls(facts: Facts) -> list[Pitfall]:
    assert facts.verdict is not None
    known: dict[str, Recipe] = {arm.recipe.name: arm.recipe for arm in facts.arms}
    found = sorted(facts.verdict.findings, key=lambda finding: _ORDER.index(finding.status))
    return [
        Pitfall(
            finding=finding,
            recipes=tuple(
                (table.anchor(name), known[name].title) for name in finding.recipes if name in known
            ),
        )
        for finding in found
    ]


def _counts(findings: tuple[Finding, ...]) -> list[tuple[Status, int]]:
    counted = Counter(finding.status for finding in findings)
    return [(status, counted[status]) for status in _ORDER if counted[status]]
