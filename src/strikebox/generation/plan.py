"""All cells as one tree of steps: what two cells have in common is made once.

B's picture is pass 1 of C, A's picture is the one that E edits, and `gated` begins as `style-prompt` does.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from strikebox.errors import DesignError, LoraError, ModelError
from strikebox.flow import pass_sigmas
from strikebox.generation.backend import Model, Size
from strikebox.generation.segments import (
    Conditions,
    Continue,
    Entry,
    FromHandoff,
    FromNoise,
    Segment,
    Trie,
    noise_seed,
)
from strikebox.recipe import Edit, ImageToImage, Pass, Recipe, TextToImage, check_subject, prompt_for

__all__ = [
    "Cell",
    "Continue",
    "Entry",
    "FromHandoff",
    "FromNoise",
    "Plan",
    "Segment",
    "first_needed",
    "make_cell",
    "make_plan",
    "noise_seed",
    "pass_size",
]

MOST_SEED = 2**32 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One picture to make. `make_cell` makes them."""

    recipe: Recipe
    subject: str
    seed: int  # 0 to 2^32 - 1
    prompts: tuple[str, ...]  # one a pass
    size: Size
    key: str  # hash of all that the picture depends on


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Segments, each after those that it needs, and the way of each cell through them."""

    model: Model
    cells: tuple[Cell, ...]
    segments: tuple[Segment, ...]
    paths: Mapping[
        str, tuple[Segment, ...]
    ]  # cell key -> its segments in order; the last ends in its picture

    @property
    def guided_steps(self) -> int:
        """Steps that run. With guidance each is two forwards."""
        return sum(segment.steps for segment in self.segments)

    @property
    def guided_steps_alone(self) -> int:
        """Steps that would run if no two cells shared any."""
        return sum(_steps_alone(cell, self.model) for cell in self.cells)


def make_cell(
    recipe: Recipe,
    subject: str,
    seed: int,
    model: Model,
    *,
    style: str | None = None,
    other: str | None = None,
    size: Size | None = None,
) -> Cell:
    """A cell, checked against the model that shall make it.

    `style` is the LoRA's trigger words, `other` another subject; `size` that of the model unless given.
    Raises SubjectError, DesignError (seed), RecipeError (words that a prompt lacks), ModelError (size) or
    LoraError (there is none).
    """
    if not 0 <= seed <= MOST_SEED:
        raise DesignError(f"seed: is {seed}; it lies between 0 and {MOST_SEED}")
    if recipe.uses_lora and model.lora_hash is None:
        raise LoraError(f"recipe {recipe.name} uses a LoRA and there is none; name one with --lora")
    size = size or model.size
    for pass_ in recipe.passes:
        pass_size(pass_, size, model)
    subject, other = check_subject(subject), None if other is None else check_subject(other)
    prompts = tuple(prompt_for(pass_, subject, style, other) for pass_ in recipe.passes)
    # A recipe without LoRA makes the same picture whichever LoRA is loaded.
    adapter = model.lora_hash if recipe.uses_lora else None
    parts = [recipe.hash, prompts, seed, size.height, size.width, model.hash, adapter]
    key = hashlib.sha256(json.dumps(parts).encode()).hexdigest()
    return Cell(recipe=recipe, subject=subject, seed=seed, prompts=prompts, size=size, key=key)


def make_plan(cells: Sequence[Cell], model: Model) -> Plan:
    """The least work that makes all cells. Takes time in proportion to their number."""
    trie = Trie()
    ends = {cell.key: _add_cell(trie, cell, model) for cell in cells}
    segments = trie.segments()
    by_key = {segment.key: segment for segment in segments}
    paths = {
        cell: tuple(s for end in of_cell for s in _back_from(end, by_key)) for cell, of_cell in ends.items()
    }
    return Plan(model=model, cells=tuple(cells), segments=segments, paths=paths)


def pass_size(pass_: Pass, size: Size, model: Model) -> Size:
    """Size of what a pass makes on the way to a picture of `size`. Raises ModelError if the model cannot."""
    # Rounded, because 0.7 x 160 falls a hair short of 112.
    height, width = round(size.height * pass_.size, 6), round(size.width * pass_.size, 6)
    grain = model.pixels_per_token
    if height < grain or width < grain or height % grain or width % grain:
        raise ModelError(
            f"size: {model.name} cannot make {width:g} x {height:g} px; sides are multiples of {grain} px"
        )
    return Size(height=int(height), width=int(width))


def _add_cell(trie: Trie, cell: Cell, model: Model) -> tuple[str, ...]:
    """Adds the passes of a cell. Returns the key at the end of each, in order."""
    ends: list[str] = []
    for draw in range(first_needed(cell.recipe), len(cell.recipe.passes)):
        ends.append(_add_pass(trie, cell, draw, ends[-1] if ends else None, model))
    return tuple(ends)


def _add_pass(trie: Trie, cell: Cell, draw: int, before: str | None, model: Model) -> str:
    pass_ = cell.recipe.passes[draw]
    size = pass_size(pass_, cell.size, model)
    sigmas = pass_sigmas(pass_, model.tokens(size))
    match pass_:
        case TextToImage() | Edit():
            entry = FromNoise(seed=cell.seed, draw=draw, size=size)
        case ImageToImage(handoff=handoff):
            entry = FromHandoff(
                parent=before, handoff=handoff, sigma=sigmas[0], seed=cell.seed, draw=draw, size=size
            )
    edits = isinstance(pass_, Edit)
    conditions = Conditions(
        model=model.hash,
        adapter=model.lora_hash,
        prompt=cell.prompts[draw],
        guidance=pass_.guidance,
        guidance_sigma=pass_.guidance_sigma,
        lora=pass_.lora,
        reference=before if edits else None,
        size=size,
        reference_size=pass_size(cell.recipe.passes[draw - 1], cell.size, model) if edits else None,
    )
    return trie.add(entry, sigmas, conditions)


def first_needed(recipe: Recipe) -> int:
    """Position of the first pass that the picture depends on: the last one that is handed nothing, or 0."""
    return max((i for i, p in enumerate(recipe.passes) if _is_handed_nothing(p)), default=0)


def _is_handed_nothing(pass_: Pass) -> bool:
    return isinstance(pass_, ImageToImage) and pass_.handoff.keep == "nothing"


def _back_from(end: str, segments: Mapping[str, Segment]) -> Iterator[Segment]:
    """The segments of the pass that ends at `end`, in order."""
    way = [segments[end]]
    while isinstance(way[-1].entry, Continue):
        way.append(segments[way[-1].entry.parent])
    return reversed(way)


def _steps_alone(cell: Cell, model: Model) -> int:
    needed = cell.recipe.passes[first_needed(cell.recipe) :]
    return sum(len(pass_sigmas(p, model.tokens(pass_size(p, cell.size, model)))) - 1 for p in needed)
