"""Which recipe to ship: the Pareto front over style, anatomy, leakage and cost, and one choice from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from strikebox.lab.verdict.grades import Word
from strikebox.lab.verdict.table import KEPT, NO_BASE, Row, Table
from strikebox.lab.words import interval_words, number_words

SAME_STYLE = 0.05  # two recipes this near in style are told apart by their price
MOST_NOISE = 0.2  # share of pictures that may be texture without a subject
SOUND: Mapping[str, tuple[Word, ...]] = {  # by column, the words with which a recipe may be shipped
    "anatomy": ("Medium", "High"),
    "leakage": ("None", "Low"),
    "lettering": ("None", "Low"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recommendation:
    """The recipe to ship and why."""

    recipe: str  # name
    because: tuple[str, ...]  # a sentence each
    front: tuple[str, ...]  # names of the recipes that no other beats in everything
    sound: tuple[str, ...]  # names of those that keep the subject and do not leak


def recommend(table: Table) -> Recommendation:
    """The sound recipe with the most style; among equals the cheapest. Where none is sound, the baseline."""
    front = [row for row in table.candidates if not dominating(row, table)]
    sound = [row for row in table.candidates if is_sound(row)]
    chosen, because = _choose(sound, table)
    return Recommendation(
        recipe=chosen.recipe.name,
        because=because,
        front=tuple(row.recipe.name for row in front),
        sound=tuple(row.recipe.name for row in sound),
    )


def is_sound(row: Row) -> bool:
    """At least medium anatomy, no texture, at most low leakage and lettering.

    A recipe without the LoRA repeats no training picture. Of any other anatomy and leakage must have been
    measured: what nobody looked at is not sound. Lettering that was not measured does not count.
    """
    grades = {name: row.grades.get(name) for name in SOUND}
    if row.recipe.uses_lora and (grades["anatomy"] is None or grades["leakage"] is None):
        return False
    sound = all(one is None or one.word in SOUND[name] for name, one in grades.items())
    return sound and (row.noise.estimate is None or row.noise.estimate <= MOST_NOISE)


def dominating(row: Row, table: Table, same_style: float = 0.0) -> list[Row]:
    """Candidates no worse than `row` in every figure that both have and better in one, most style first.

    As much style as `same_style` less counts as no worse.
    """
    own = _figures(row)
    better = [
        other
        for other in table.candidates
        if other is not row and _dominates(_figures(other, same_style), own)
    ]
    return sorted(better, key=lambda other: -(other.style.estimate or 0.0))


def _dominates(left: Sequence[float | None], right: Sequence[float | None]) -> bool:
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a is not None and b is not None]
    return all(a >= b for a, b in pairs) and any(a > b for a, b in pairs)


def _figures(row: Row, more_style: float = 0.0) -> Sequence[float | None]:
    """Higher is better in each."""
    leaked, style = row.leaked.estimate, row.style.estimate
    return (
        None if style is None else style + more_style,
        row.whole.estimate,
        None if leaked is None else -leaked,
        -row.overhead,
    )


def _choose(sound: list[Row], table: Table) -> tuple[Row, tuple[str, ...]]:
    styled = [row for row in sound if row.style.estimate is not None]
    if not any(row.recipe.uses_lora for row in styled):
        until = "The base model is shipped until one is."
        if table.baseline.recipe.uses_lora:
            until = f"Nothing is to be shipped by this run: {NO_BASE}."
        return table.baseline, (_nothing_sound(table), until)
    most = max(row.style.estimate or 0.0 for row in styled)
    near = [row for row in styled if (row.style.estimate or 0.0) >= most - SAME_STYLE]
    chosen = min(near, key=lambda row: row.overhead)
    return chosen, tuple(_reasons(chosen, near, table))


def _nothing_sound(table: Table) -> str:
    rows = [row for row in table.candidates if row.recipe.uses_lora]
    unseen = [name for name in ("anatomy", "leakage") if all(row.grades[name] is None for row in rows)]
    if rows and unseen:
        return f"No recipe with the LoRA can be called sound: {' and '.join(unseen)} was not measured."
    return "No recipe with the LoRA keeps the subject without repeating training pictures."


def _reasons(chosen: Row, near: list[Row], table: Table) -> list[str]:
    style = chosen.style
    interval = interval_words(style.low, style.high, number_words)
    of_style = number_words(style.estimate) + (f" ({interval})" if interval else "")
    style_words = f"{of_style}; the base model has 0, held-out pictures have 1."
    lines = [f"Of the recipes that keep the subject and do not leak it has the most style: {style_words}"]
    if len(near) > 1:
        lines.append(
            f"{len(near)} recipes are within {SAME_STYLE} of each other in style; it is the cheapest of them."
        )
    if chosen.whole.estimate is not None:
        lines.append(f"{chosen.whole.estimate:.0%} of its pictures show their subject whole.{_kept(chosen)}")
    if chosen.leaked.estimate is not None:
        lines.append(
            f"{chosen.leaked.hits} of {chosen.leaked.n} repeat a training picture; "
            f"at most {chosen.leaked.at_most:.0%} do, at 95%."
        )
    lines.append(f"It costs {chosen.overhead:.2f} times the baseline.")
    return lines


def _kept(row: Row) -> str:
    """Whether that is no loss against the baseline, in a sentence; nothing where it was not compared."""
    found = row.whole_kept
    if found is None or found.low is None or found.high is None:
        return ""
    points = f"{KEPT:.0%} of the pictures"
    interval = f"({100 * found.low:+.0f} to {100 * found.high:+.0f} points against the baseline, at 90%)"
    match found.verdict:
        case "equivalent" | "no loss":
            return f" It loses no more than {points} {interval}."
        case "loss":
            return f" It loses more than {points} {interval}."
        case "undecided":
            return f" Whether it loses more than {points} this design cannot tell {interval}."
