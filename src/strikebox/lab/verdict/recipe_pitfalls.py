"""Pitfalls of recipes: a strength that means nothing, edit for its own sake, theory against evidence."""

from strikebox.lab.blueprint import TRAINING_IMAGES, Crossing, blueprint
from strikebox.lab.measured import Measured
from strikebox.lab.verdict.finding import Finding, Pitfall
from strikebox.lab.verdict.recommend import SAME_STYLE, dominating
from strikebox.lab.verdict.table import Row, Table
from strikebox.lab.words import p_words
from strikebox.recipe import Edit, ImageToImage, Recipe, Strength

NO_STYLE = 0.15  # style below which a recipe looks like the base model

_STRENGTH = Pitfall("misaligned-strength", "Misaligned strength")
_EDIT = Pitfall("blind-edit", "Blind adoption of edit")
_THEORY = Pitfall("theory-against-evidence", "Theory against evidence")


def misaligned_strength(measured: Measured, table: Table) -> Finding:
    """Does a strength keep what its number seems to say?"""
    entrances = [(row, one) for row in table.candidates if (one := _entrance(measured, row.recipe))]
    if not entrances:
        return _STRENGTH.cleared("No recipe has an image-to-image pass.")
    idle = [
        (row, one) for row, one in entrances if one.verdict in ("cannot matter", "cannot shape the picture")
    ]
    row, crossing = (idle or entrances)[0]
    evidence = {"sigma": crossing.sigma, "strength": crossing.strength, "bits": crossing.bits}
    figure = (
        f"{row.recipe.title} starts its second pass at sigma {crossing.sigma:.3f} "
        f"(strength {crossing.strength:.2f}): at most {crossing.bits:.1f} bits can cross, and naming one of "
        f"{crossing.training_images:,} training pictures takes {crossing.bits_to_name_one:.1f}."
    )
    if not idle:
        return _STRENGTH.cleared(figure, row.recipe.name, **evidence)
    said = _said_strength(row.recipe)
    seems = "" if said is None else f" A strength of {said:g} seems to keep {1 - said:.0%} of pass 1."
    return _STRENGTH.found(figure + seems, *(one.recipe.name for one, _ in idle), **evidence)


def blind_edit(measured: Measured, table: Table) -> Finding:
    """Does native edit earn its price?"""
    rows = [row for row in table.candidates if any(isinstance(p, Edit) for p in row.recipe.passes)]
    if not rows:
        return _EDIT.cleared("No recipe edits.")
    row = rows[0]
    if row.style.estimate is None or row.whole.estimate is None:
        return _EDIT.open("Style or anatomy was not measured; its price alone says too little.")
    price = f"{row.recipe.title} costs {row.overhead:.2f} times the baseline"
    better = dominating(row, table, SAME_STYLE)
    evidence = {"style": row.style.estimate, "whole": row.whole.estimate, "overhead": row.overhead}
    if not better:
        return _EDIT.cleared(
            f"{price}, and no cheaper recipe is as good in style, anatomy and leakage at once.",
            row.recipe.name,
            **evidence,
        )
    other = better[0]
    return _EDIT.found(
        f"{price}; {other.recipe.title} is no worse in style, anatomy and leakage for {other.overhead:.2f}.",
        row.recipe.name,
        **evidence,
    )


def theory_against_evidence(measured: Measured, table: Table) -> Finding:
    """Does a recipe of two passes do what it was built for: carry style into a sound drawing?"""
    rows = [row for row in table.candidates if _entrance(measured, row.recipe)]
    if not rows:
        return _THEORY.cleared("No recipe hands a picture on.")
    judged = [(row, gain) for row in rows if (gain := row.style_gain) and gain.estimate is not None]
    if not judged:
        return _THEORY.open(measured.missing.get("style", "Style was not measured."))
    idle = [
        (row, gain) for row, gain in judged if (gain.estimate or 0.0) < NO_STYLE or (gain.low or 0.0) <= 0
    ]
    row, gain = (idle or judged)[0]
    interval = "" if gain.low is None else f" ({gain.low:+.2f} to {gain.high:+.2f})"
    figure = (
        f"{row.recipe.title} brings style {gain.estimate:+.2f}{interval} over the baseline at "
        f"{row.overhead:.2f} times its price. {_handoff_words(row)}"
    )
    evidence = {"style_gain": gain.estimate, "low": gain.low, "high": gain.high, "overhead": row.overhead}
    if idle:
        return _THEORY.found(figure, *(one.recipe.name for one, _ in idle), **evidence)
    return _THEORY.cleared(figure, row.recipe.name, **evidence)


def _handoff_words(row: Row) -> str:
    handoff = row.handoff
    moved = [one.distance for one in handoff.controls.values() if one.distance is not None] if handoff else []
    if moved:
        far = f"{min(moved):.2f} to {max(moved):.2f}"
        return f"Its controls, which take pass 1 away, lie {far} of the distance between two seeds from it."
    if handoff is None or handoff.p_own is None:
        return "Whether pass 1 changes the picture at all was not tested."
    found = "leaves a trace" if handoff.p_own < 0.05 else "leaves no trace that chance could not"
    return f"Pass 1 {found} in the picture (p {p_words(handoff.p_own)})."


def _entrance(measured: Measured, recipe: Recipe) -> Crossing | None:
    """The first handoff of a recipe through noise."""
    run, training = measured.run, measured.training or TRAINING_IMAGES
    return blueprint(recipe, run.model, run.design.size, run.spectrum, training).crossing


def _said_strength(recipe: Recipe) -> float | None:
    starts = (p.start for p in recipe.passes if isinstance(p, ImageToImage))
    return next((start.value for start in starts if isinstance(start, Strength)), None)
