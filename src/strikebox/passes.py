"""Passes: what a recipe is made of.

Every value checks itself when it is made, and whole numbers become floats: 2 and 2.0 are one value, one hash.
The error that a value raises names the key; whoever read the value puts file and pass before it.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from math import isfinite
from typing import Literal

from strikebox.errors import RecipeError

Keep = Literal["whole", "low-pass", "mean", "phase-scrambled", "nothing"]
Through = Literal["latents", "pixels"]

MOST_STEPS = 1000  # the models were trained on 1,000 noise levels; a finer schedule only costs

_BRACES = re.compile(r"\{[^{}]*\}|[{}]")
_PLACEHOLDERS = frozenset({"{subject}", "{style}", "{other}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraUse:
    """How a pass uses the LoRA."""

    scale: float  # as diffusers means it: 1.0 is the trained strength, alpha / rank included
    sigma: tuple[float, float] = (0.0, 1.0)  # on for steps that start at a sigma in (low, high]
    blocks: tuple[tuple[str, float], ...] = ()  # block name prefix -> factor on top of `scale`
    rank: int | None = None  # of each layer at most, by SVD; None: as it is

    def __post_init__(self) -> None:
        low, high = map(float, self.sigma)
        object.__setattr__(self, "scale", _finite("scale", self.scale))
        object.__setattr__(self, "sigma", (low, high))
        if not 0 <= low < high <= 1:
            raise RecipeError(f"sigma: is [{low}, {high}]; it is [low, high] with 0 <= low < high <= 1")
        if self.rank is not None and self.rank < 1:
            raise RecipeError(f"rank: is {self.rank}; it is at least 1")
        if any(not prefix for prefix, _ in self.blocks):
            raise RecipeError("blocks: a block name is empty; give the start of a module's name")
        if len(dict(self.blocks)) < len(self.blocks):
            raise RecipeError("blocks: a block name stands there twice; give each one factor")
        blocks = sorted((prefix, _finite(f"blocks: {prefix}", factor)) for prefix, factor in self.blocks)
        object.__setattr__(self, "blocks", tuple(blocks))  # a mapping: its order says nothing

    def on_at(self, sigma: float) -> bool:
        """Whether the LoRA is on for a step that starts at `sigma`."""
        low, high = self.sigma
        return low < sigma <= high


@dataclass(frozen=True, slots=True)
class Strength:
    """Start of an image-to-image pass as diffusers says it: the share of its steps that are taken."""

    value: float  # above 0, at most 1

    def __post_init__(self) -> None:
        if not 0 < self.value <= 1:
            raise RecipeError(f"strength: is {self.value}; it lies above 0 and at most at 1")

    def start_index(self, steps: int) -> int:
        """First step taken, as diffusers' `get_timesteps`; 0 leaves nothing of the pass before."""
        return int(steps - steps * self.value)


@dataclass(frozen=True, slots=True)
class Sigma:
    """Start of an image-to-image pass at exactly this noise level."""

    value: float  # between 0 and 1, both excluded

    def __post_init__(self) -> None:
        if not 0 < self.value < 1:
            raise RecipeError(f"sigma: is {self.value}; it lies between 0 and 1, both excluded")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """What one pass gives the next."""

    through: Through = "latents"
    keep: Keep = "whole"
    cutoff: float | None = None  # cycles per picture; with keep = "low-pass", and only with it

    def __post_init__(self) -> None:
        if self.keep == "low-pass" and self.cutoff is None:
            raise RecipeError('cutoff: is missing; keep = "low-pass" needs it, in cycles per picture')
        if self.keep != "low-pass" and self.cutoff is not None:
            raise RecipeError(f'cutoff: goes with keep = "low-pass" only, not with "{self.keep}"')
        if self.cutoff is not None and not (isfinite(self.cutoff) and self.cutoff > 0):
            raise RecipeError(f"cutoff: is {self.cutoff}; it is above 0, in cycles per picture")
        if self.cutoff is not None:
            object.__setattr__(self, "cutoff", float(self.cutoff))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextToImage:
    """From noise to a picture."""

    prompt: str  # template: {subject}, {style} and {other}
    steps: int
    guidance: float  # 1 is none
    lora: LoraUse | None = None
    size: float = 1.0  # share of the picture's side
    guidance_sigma: tuple[float, float] = (0.0, 1.0)  # on for steps that start at a sigma in (low, high]

    def __post_init__(self) -> None:
        _check_pass(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageToImage:
    """From the picture of the pass before, with noise mixed in, to a picture."""

    prompt: str
    steps: int  # of the whole schedule, as diffusers counts; fewer are taken
    guidance: float
    lora: LoraUse | None = None
    size: float = 1.0
    guidance_sigma: tuple[float, float] = (0.0, 1.0)
    start: Strength | Sigma
    handoff: Handoff = field(default_factory=Handoff)

    def __post_init__(self) -> None:
        _check_pass(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """From noise to a picture, with the picture of the pass before as reference tokens."""

    prompt: str
    steps: int
    guidance: float
    lora: LoraUse | None = None
    size: float = 1.0
    guidance_sigma: tuple[float, float] = (0.0, 1.0)

    def __post_init__(self) -> None:
        _check_pass(self)


Pass = TextToImage | ImageToImage | Edit

KINDS: Mapping[type[Pass], str] = {
    TextToImage: "text-to-image",
    ImageToImage: "image-to-image",
    Edit: "edit",
}


def guidance_at(guidance: float, interval: tuple[float, float], sigma: float) -> float:
    """Guidance of a step that starts at `sigma`: 1, which is none, outside the interval (low, high].

    Guidance in an interval of noise levels: Kynkäänniemi et al. 2024, arXiv 2404.07724.
    """
    low, high = interval
    return guidance if low < sigma <= high else 1.0


def placeholders(pass_: Pass) -> frozenset[str]:
    """Names that the prompt template of `pass_` asks for: of "subject", "style" and "other"."""
    return frozenset(found[1:-1] for found in _BRACES.findall(pass_.prompt))


def _check_pass(pass_: Pass) -> None:
    for found in _BRACES.findall(pass_.prompt):
        if found not in _PLACEHOLDERS:
            raise RecipeError(f"prompt: has {found!r}; a template knows {{subject}}, {{style}} and {{other}}")
    if not 1 <= pass_.steps <= MOST_STEPS:
        raise RecipeError(f"steps: is {pass_.steps}; it lies between 1 and {MOST_STEPS}")
    if not (isfinite(pass_.guidance) and pass_.guidance >= 1):
        raise RecipeError(f"guidance: is {pass_.guidance}; it is at least 1, and 1 is none")
    if not 0 < pass_.size <= 1:
        raise RecipeError(f"size: is {pass_.size}; it is a share of the picture's side: above 0, at most 1")
    low, high = map(float, pass_.guidance_sigma)
    if not 0 <= low < high <= 1:
        raise RecipeError(f"guidance_sigma: is [{low}, {high}]; it is [low, high] with 0 <= low < high <= 1")
    object.__setattr__(pass_, "guidance_sigma", (low, high))
    object.__setattr__(pass_, "guidance", float(pass_.guidance))
    object.__setattr__(pass_, "size", float(pass_.size))


def _finite(key: str, value: float) -> float:
    if not isfinite(value):
        raise RecipeError(f"{key}: is {value}; it is a finite number")
    return float(value) + 0.0  # -0.0 becomes 0.0
