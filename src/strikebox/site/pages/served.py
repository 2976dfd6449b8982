"""With what the site makes its pictures, and what one costs, for the About page."""

import re
from dataclasses import dataclass

from strikebox.lab.blueprint import blueprint
from strikebox.lora.header import Header
from strikebox.recipe import Recipe
from strikebox.site.pages.parts import Parts

_HUB_ID = re.compile(r"[\w-][\w.-]*/[\w.-]+")  # of a model: anything else may be a path of the operator's
_ANY_NAME = "pytorch_lora_weights"  # what diffusers calls every file


@dataclass(frozen=True, slots=True, kw_only=True)
class Lora:
    """The LoRA as the recipe uses it."""

    name: str | None  # None: not known here
    scales: str  # 0.5, or 0.5 to 2: over the passes that use it
    rank: str | None  # of its layers; None: not known here
    cut: int | None  # rank to which the recipe cuts it; None: it does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of one picture."""

    forwards: int | None  # None: the model is not described here
    flops: int | None
    dollars: float | None  # as it was lately; None: none was made yet


def model_name(parts: Parts) -> str | None:
    """What people call the model; None where that would be a path."""
    if parts.model is not None:
        return parts.model.name
    asked = parts.site.settings.model.model or ""
    return asked if _HUB_ID.fullmatch(asked) else None


def lora_of(recipe: Recipe, header: Header | None) -> Lora | None:
    """None where the recipe does not use one."""
    uses = [use for use in (one.lora for one in recipe.passes) if use is not None and use.scale != 0]
    if not uses:
        return None
    cuts = [use.rank for use in uses if use.rank is not None]
    return Lora(
        name=header and _name(header),
        scales=_range([use.scale for use in uses]),
        rank=header and _range(header.ranks),
        cut=max(cuts, default=None),
    )


def cost_of(parts: Parts) -> Cost:
    """By count of the recipe's passes, and as measured lately."""
    site = parts.site
    drawn = None if parts.model is None else blueprint(site.recipe, parts.model).cost
    with site.database.reading() as connection:
        dollars = site.pricing.lately(connection, site.recipe.hash)
    return Cost(forwards=drawn and drawn.forwards, flops=drawn and drawn.flops, dollars=dollars)


def _name(header: Header) -> str:
    """The file's, or its trigger words where every file is called so."""
    return ", ".join(header.trigger_words) or header.name if header.name == _ANY_NAME else header.name


def _range(values: "list[float] | tuple[int, ...]") -> str:
    low, high = min(values), max(values)
    return f"{low:g}" if low == high else f"{low:g} \N{EN DASH} {high:g}"
