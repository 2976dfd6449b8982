"""Does pass 1 of a recipe change what comes out? Against its own pass 1, and against its controls."""

from collections.abc import Mapping

import numpy as np

from strikebox.lab.blueprint import TRAINING_IMAGES, Crossing, blueprint
from strikebox.lab.measure.looked import Looked
from strikebox.lab.measure.part import Part
from strikebox.lab.measured import Against, Handoff
from strikebox.metrics import handoff
from strikebox.metrics.features import Feature
from strikebox.recipe import Recipe


def measure(looked: Looked, generator: np.random.Generator) -> Part:
    """A test for each recipe that hands latents or a picture through noise, controls themselves left out."""
    features = looked.features(looked.instruments.trace)
    tested = [
        _tested(looked, features, recipe, crossing, generator)
        for recipe in looked.run.design.recipes
        if recipe.control_of is None and (crossing := _crossing(looked, recipe)) is not None
    ]
    return Part(handoffs=tuple(tested))


def _crossing(looked: Looked, recipe: Recipe) -> Crossing | None:
    run, training = looked.run, looked.references.training
    count = TRAINING_IMAGES if training is None else len(training.pictures)
    return blueprint(recipe, run.model, run.design.size, run.spectrum, count).crossing


def _tested(
    looked: Looked, features: Feature, recipe: Recipe, crossing: Crossing, generator: np.random.Generator
) -> Handoff:
    own = _own(looked, features, recipe, generator)
    return Handoff(
        recipe=recipe.name,
        bits=crossing.bits,
        bits_to_name_one=crossing.bits_to_name_one,
        own_gain=None if own is None else own.gain,
        p_own=None if own is None else own.test.p,
        controls=_controls(looked, features, recipe, generator),
    )


def _own(
    looked: Looked, features: Feature, recipe: Recipe, generator: np.random.Generator
) -> handoff.OwnPass | None:
    """None where no recipe of the design ends in this one's first pass, so that nobody kept its picture."""
    first = next((one for one in looked.run.design.recipes if one.passes == recipe.passes[:1]), None)
    if first is None:
        return None
    outcomes, firsts = _paired(looked, recipe, first)
    subjects = [looked.subjects[row] for row in outcomes]
    if len(outcomes) < 2:
        return None
    return handoff.own_pass(features[outcomes], features[firsts], subjects, generator)


def _controls(
    looked: Looked, features: Feature, recipe: Recipe, generator: np.random.Generator
) -> Mapping[str, Against]:
    found: dict[str, Against] = {}
    for control in looked.run.design.recipes:
        if control.control_of != recipe.name:
            continue
        own, other = _paired(looked, recipe, control)
        subjects = [looked.subjects[row] for row in own]
        tested = handoff.against_control(features[own], features[other], subjects, generator)
        if tested is not None:
            found[control.name] = Against(tested.distance, tested.changed.p, tested.kept.p)
    return found


def _paired(looked: Looked, left: Recipe, right: Recipe) -> tuple[list[int], list[int]]:
    """Rows of two recipes, paired by subject and seed; what one of them lacks is left out."""
    left_rows, right_rows = (_by_cell(looked, recipe) for recipe in (left, right))
    both = [cell for cell in left_rows if cell in right_rows]
    return [left_rows[cell] for cell in both], [right_rows[cell] for cell in both]


def _by_cell(looked: Looked, recipe: Recipe) -> dict[tuple[str, int], int]:
    subjects, seeds = looked.subjects, looked.seeds
    return {(subjects[row], seeds[row]): row for row in looked.rows(recipe).tolist()}
