"""Null tests of the handoff: does pass 1 change the picture, and how much of it could cross?"""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from strikebox.lab import blueprint_text
from strikebox.lab.measured import Against, Handoff
from strikebox.lab.report import table
from strikebox.lab.report.facts import Facts
from strikebox.lab.report.graded import Dial
from strikebox.lab.report.templates import fill
from strikebox.lab.words import number_words, p_words
from strikebox.recipe import Recipe

ALPHA = 0.05
_FARTHEST = 1.25  # where the ruler of distances ends; 1 is another seed's picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Beside:
    """An arm beside one of its controls."""

    title: str
    distance: str
    dial: Dial | None  # None where the distance is not known
    p_changed: str
    p_kept: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Null:
    """What was asked of one handoff, and the answers."""

    anchor: str
    title: str
    arm: str | None
    bits: str
    own: str
    dial: Dial
    controls: tuple[Beside, ...]


def section(facts: Facts) -> Markup | None:
    """A card for each recipe of two passes; left out where there is none."""
    if facts.verdict is None or not facts.verdict.measured.handoffs:
        return None
    recipes = {recipe.name: recipe for recipe in facts.run.design.recipes}
    training = facts.verdict.measured.training
    nulls = [
        _null(handoff, recipes, training)
        for handoff in facts.verdict.measured.handoffs
        if handoff.recipe in recipes
    ]
    return fill("handoffs.html", nulls=nulls)


def _null(handoff: Handoff, recipes: dict[str, Recipe], training: int | None) -> Null:
    recipe = recipes[handoff.recipe]
    return Null(
        anchor=table.anchor(recipe.name),
        title=recipe.title,
        arm=recipe.arm,
        bits=_bits(handoff, training),
        own=_own(handoff),
        dial=_bits_dial(handoff),
        controls=tuple(_controls(handoff, recipes)),
    )


def _bits(handoff: Handoff, training: int | None) -> str:
    of = "a training picture" if training is None else f"one of {training:,} training pictures"
    need = blueprint_text.amount(handoff.bits_to_name_one)
    enough = "" if handoff.bits >= handoff.bits_to_name_one else ": pass 1 cannot matter"
    crossing = blueprint_text.amount(handoff.bits)
    return f"At most {crossing} bits can cross, and naming {of} takes {need}{enough}."


def _bits_dial(handoff: Handoff) -> Dial:
    """From none to twice what it takes."""
    reach = handoff.bits / (2 * handoff.bits_to_name_one) if handoff.bits_to_name_one else 1.0
    head = 100 * min(1.0, reach)
    return Dial(ticks=(50.0,), stick=(0.0, head), head=head)


def _own(handoff: Handoff) -> str:
    if handoff.p_own is None:
        return "Whether its pictures resemble their own pass 1 was not tested."
    trace = "" if handoff.own_gain is None else f"trace {number_words(handoff.own_gain, sign=True)}, "
    figures = f"({trace}p {p_words(handoff.p_own)})"
    if handoff.p_own < ALPHA:
        return f"Pass 1 leaves a trace: pictures resemble their own more than another seed's {figures}."
    return f"Pictures resemble their own pass 1 no more than another seed's, beyond chance {figures}."


def _controls(handoff: Handoff, recipes: dict[str, Recipe]) -> Iterator[Beside]:
    for name, against in handoff.controls.items():
        recipe = recipes.get(name)
        yield Beside(
            title=name if recipe is None else recipe.title,
            distance=number_words(against.distance),
            dial=None if against.distance is None else _distance_dial(against.distance),
            p_changed=p_words(against.p_changed),
            p_kept=p_words(against.p_kept),
            words=_reading(against),
        )


def _distance_dial(distance: float) -> Dial:
    place = 100 * min(1.0, max(0.0, distance / _FARTHEST))
    return Dial(ticks=(100 / _FARTHEST,), stick=(0.0, place), head=place)


def _reading(against: Against) -> str:
    match against.p_changed < ALPHA, against.p_kept < ALPHA:
        case True, True:
            return "Without it the picture changes, and stays recognisable: it shades the picture."
        case True, False:
            return "Without it the picture is another: it decides the picture."
        case False, True:
            return "Without it the picture stays: it does not decide the picture."
        case _:
            return "This run cannot tell."
