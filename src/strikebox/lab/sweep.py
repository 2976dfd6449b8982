"""A sweep: one recipe at several values of one thing, each a recipe of its own.

[sweep]
recipe = "style-prompt"      # a shipped one by name, another by path from the design's file
over = "lora_scale"          # or start_sigma, steps, rank, gate_sigma
values = "0-2 [5]"           # or "0-1 (+0.1)", or a list of numbers

A value goes to every pass to which it applies: scale, rank and gate to those with a LoRA, the start sigma to
image-to-image, steps to all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal, cast, get_args

from strikebox.errors import DesignError, RecipeError
from strikebox.lab import ranges
from strikebox.passes_toml import Table, as_number, as_table, at
from strikebox.recipe import ImageToImage, Pass, Recipe, Sigma

Over = Literal["lora_scale", "start_sigma", "steps", "rank", "gate_sigma"]
OVERS: tuple[Over, ...] = get_args(Over)

TITLES: dict[Over, str] = {
    "lora_scale": "LoRA scale",
    "start_sigma": "start sigma",
    "steps": "steps",
    "rank": "LoRA rank",
    "gate_sigma": "LoRA above sigma",
}
_NEEDS: dict[Over, str] = {
    "lora_scale": "uses a LoRA",
    "start_sigma": "is image-to-image",
    "steps": "takes steps",
    "rank": "uses a LoRA",
    "gate_sigma": "uses a LoRA",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What a `[sweep]` table says."""

    recipe: str  # name, or path from the design's file
    over: Over
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One recipe of a sweep."""

    value: float
    recipe: Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """The recipes of a design that are one recipe at several values, in the design's order."""

    base: str  # name of the recipe that was swept
    over: Over
    points: tuple[Point, ...]


def read(values: object) -> Sweep:
    """The sweep of a TOML table. Raises RecipeError that begins with the key at fault."""
    with at("sweep"):
        table = Table(as_table("table", values))
        recipe, over, given = table.text("recipe"), table.choice("over", OVERS, ""), table.take("values")
        table.close()
        if not over:
            raise RecipeError(f"over: is missing; it is one of {', '.join(OVERS)}")
        with at("values"):
            return Sweep(recipe=recipe, over=cast(Over, over), values=_values(given))


def expand(recipe: Recipe, sweep: Sweep) -> tuple[Recipe, ...]:
    """`recipe` at each value. Raises RecipeError where one cannot be."""
    return tuple(at_value(recipe, sweep.over, value) for value in sweep.values)


def at_value(recipe: Recipe, over: Over, value: float) -> Recipe:
    """`recipe` with `over` set to `value`, named, for example, style-prompt-lora_scale-0.5.

    It belongs to no arm. Raises RecipeError where no pass has such a thing, or one cannot take the value.
    """
    with at(f"sweep: {over} {value:g}"):
        changed = tuple(_changed(pass_, over, value) for pass_ in recipe.passes)
        if not any(changed):
            raise RecipeError(f"{recipe.name} has no pass that {_NEEDS[over]}; sweep another recipe")
        words = f"{TITLES[over]} {value:g}"
        return replace(
            recipe,
            name=name_at(recipe.name, over, value),
            title=f"{recipe.title}, {words}",
            description=f"As {recipe.name}, with {words}.",
            arm=None,
            passes=tuple(new or old for new, old in zip(changed, recipe.passes, strict=True)),
        )


def name_at(name: str, over: Over, value: float) -> str:
    """Name of the recipe `name` at a value."""
    return f"{name}-{over}-{value + 0.0:.6g}"  # -0.0 becomes 0


def series(recipes: Sequence[Recipe]) -> tuple[Series, ...]:
    """The sweeps among the recipes of a design: those whose name and passes say the same value."""
    found: dict[tuple[str, Over], list[Point]] = {}
    for recipe in recipes:
        for over in OVERS:
            base, value = recipe.name.rpartition(f"-{over}-")[0], value_of(recipe, over)
            if value is not None and recipe.name == name_at(base, over, value):
                found.setdefault((base, over), []).append(Point(value=value, recipe=recipe))
    return tuple(Series(base=b, over=over, points=tuple(points)) for (b, over), points in found.items())


def value_of(recipe: Recipe, over: Over) -> float | None:
    """The value of a recipe in its first pass that has one; None where none has."""
    return next((value for p in recipe.passes if (value := _value(p, over)) is not None), None)


def _values(given: object) -> tuple[float, ...]:
    if isinstance(given, str):
        try:
            return ranges.parse(given)
        except DesignError as error:
            raise RecipeError(str(error)) from None
    if not isinstance(given, list) or not given:
        raise RecipeError(f'is {given!r}; it is a range such as "0-2 [5]", or a list of numbers')
    values = [as_number("one", value) for value in cast(list[object], given)]
    for position, value in enumerate(values):
        if not isfinite(value):
            raise RecipeError(f"one is {value}; each is a finite number")
        if value in values[:position]:
            raise RecipeError(f"{value:g} stands there twice; remove one")
    return tuple(values)


def _changed(pass_: Pass, over: Over, value: float) -> Pass | None:
    """The pass with the value; None where it has no such thing."""
    lora = pass_.lora
    match over:
        case "steps":
            return replace(pass_, steps=_whole(value))
        case "start_sigma":
            return replace(pass_, start=Sigma(value)) if isinstance(pass_, ImageToImage) else None
        case "lora_scale":
            return lora and replace(pass_, lora=replace(lora, scale=value))
        case "rank":
            return lora and replace(pass_, lora=replace(lora, rank=_whole(value)))
        case "gate_sigma":
            return lora and replace(pass_, lora=replace(lora, sigma=(value, lora.sigma[1])))


def _value(pass_: Pass, over: Over) -> float | None:
    lora = pass_.lora
    match over:
        case "steps":
            return pass_.steps
        case "start_sigma":
            start = pass_.start if isinstance(pass_, ImageToImage) else None
            return start.value if isinstance(start, Sigma) else None
        case "lora_scale":
            return lora and lora.scale
        case "rank":
            return lora and lora.rank
        case "gate_sigma":
            return lora and lora.sigma[0]


def _whole(value: float) -> int:
    if value != int(value):
        raise RecipeError("is no whole number; give whole values")
    return int(value)
