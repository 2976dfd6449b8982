"""A recipe drawn to scale: its passes, the noise they start from, and what can cross from one to the next.

`blueprint` works out the facts; `blueprint_text` words them, also as Mermaid, and `blueprint_svg` draws them.
"""

from dataclasses import dataclass
from math import log2
from typing import Literal

from strikebox.flow import LatentSpectrum, Survivors, pass_sigmas, strength_at, time_shift
from strikebox.generation.backend import Model, Size
from strikebox.generation.cost import NOTHING, Cost, pass_cost
from strikebox.generation.plan import first_needed, pass_size
from strikebox.passes import guidance_at
from strikebox.recipe import KINDS, Edit, Handoff, ImageToImage, LoraUse, Pass, Recipe, Strength

TRAINING_IMAGES = 300  # of the embedded LoRA

Verdict = Literal["not run", "cannot matter", "cannot shape the picture", "may matter", "can matter"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """What can cross from the pass before into this one through noise of level `sigma`."""

    handoff: Handoff
    sigma: float
    strength: float  # as written, or the one that would start at `sigma` if steps were endlessly fine
    modes: int  # all modes of the latents
    survivors: Survivors | None  # None where the latents' spectrum was not measured
    bits: float  # at most
    training_images: int

    @property
    def bits_to_name_one(self) -> float:
        """Bits that it takes to say which of the training images something is."""
        return log2(self.training_images)

    @property
    def verdict(self) -> Verdict:
        """Whether the pass before can matter. Too few bits to name a training image settle it."""
        if self.handoff.keep == "nothing":
            return "not run"
        if self.bits < self.bits_to_name_one:
            return "cannot matter"
        if self.survivors is None:
            return "may matter"
        return "can matter" if self.survivors.modes else "cannot shape the picture"


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """One pass of the blueprint."""

    number: int  # 1, 2, ...
    kind: str
    prompt: str  # template
    size: Size
    sigmas: tuple[float, ...]
    lora: LoraUse | None
    entrance: Crossing | None  # with image-to-image
    reference_tokens: int  # with edit, else 0
    runs: bool  # False: what it makes is thrown away by a later pass, so it is never made
    cost: Cost

    @property
    def steps(self) -> int:
        return len(self.sigmas) - 1

    @property
    def lora_steps(self) -> int:
        """Steps with the LoRA on."""
        return 0 if self.lora is None else sum(self.lora.on_at(sigma) for sigma in self.sigmas[:-1])


@dataclass(frozen=True, slots=True, kw_only=True)
class Blueprint:
    """A recipe at a model and size."""

    recipe: Recipe
    model: Model
    size: Size
    stations: tuple[Station, ...]

    @property
    def crossing(self) -> Crossing | None:
        """The first handoff through noise; None where there is none."""
        return next((station.entrance for station in self.stations if station.entrance is not None), None)

    @property
    def cost(self) -> Cost:
        """Of one picture that shares nothing."""
        return sum((station.cost for station in self.stations), NOTHING)


def blueprint(
    recipe: Recipe,
    model: Model,
    size: Size | None = None,
    spectrum: LatentSpectrum | None = None,
    training_images: int = TRAINING_IMAGES,
) -> Blueprint:
    """What `recipe` does to a picture of `size` (the model's own unless given).

    `spectrum` is that of the model's latents at that size. Without one the bits are those of unit-variance
    latents, which bound those of any spectrum of mean power 1. What survives is then left open: real latents
    have most of their power at low frequencies, where it stands out of noise that would drown the mean power.
    Raises ModelError on a size that the model cannot make.
    """
    size = size or model.size
    stations: list[Station] = []
    for number, pass_ in enumerate(recipe.passes, start=1):
        before = stations[-1] if stations else None
        entrance = _crossing(pass_, before, size, model, spectrum, training_images)
        runs = number > first_needed(recipe)
        stations.append(_station(pass_, number, before, size, model, entrance, runs))
    return Blueprint(recipe=recipe, model=model, size=size, stations=tuple(stations))


def _station(
    pass_: Pass,
    number: int,
    before: Station | None,
    size: Size,
    model: Model,
    entrance: Crossing | None,
    runs: bool,
) -> Station:
    own = pass_size(pass_, size, model)
    sigmas = pass_sigmas(pass_, model.tokens(own))
    reference_tokens = model.tokens(before.size) if isinstance(pass_, Edit) and before is not None else 0
    guided = sum(guidance_at(pass_.guidance, pass_.guidance_sigma, sigma) > 1 for sigma in sigmas[:-1])
    cost = pass_cost(model, guided, pass_.guidance, model.tokens(own), reference_tokens)
    cost += pass_cost(model, len(sigmas) - 1 - guided, 1.0, model.tokens(own), reference_tokens)
    return Station(
        number=number,
        kind=KINDS[type(pass_)],
        prompt=pass_.prompt,
        size=own,
        sigmas=sigmas,
        lora=pass_.lora if pass_.lora is not None and pass_.lora.scale != 0 else None,
        entrance=entrance,
        reference_tokens=reference_tokens,
        runs=runs,
        cost=cost if runs else NOTHING,
    )


def _crossing(
    pass_: Pass,
    before: Station | None,
    size: Size,
    model: Model,
    spectrum: LatentSpectrum | None,
    training_images: int,
) -> Crossing | None:
    if not isinstance(pass_, ImageToImage) or before is None:
        return None
    own, grain = pass_size(pass_, size, model), model.pixels_per_token
    white = LatentSpectrum.white(own.height // grain, own.width // grain, model.architecture.in_channels)
    sigma = pass_sigmas(pass_, model.tokens(own))[0]
    kept = _kept(spectrum or white, pass_.handoff, _finest(before.size, own, model))
    start = pass_.start
    mu = time_shift(model.tokens(own), pass_.steps)
    return Crossing(
        handoff=pass_.handoff,
        sigma=sigma,
        strength=start.value if isinstance(start, Strength) else strength_at(sigma, mu),
        modes=(spectrum or white).modes,
        survivors=None if spectrum is None else kept.surviving(sigma),
        bits=kept.bits_across(sigma),
        training_images=training_images,
    )


def _kept(spectrum: LatentSpectrum, handoff: Handoff, finest: float | None) -> LatentSpectrum:
    """The bands that are handed over. Scrambled phases keep them all: their power still tells something."""
    whole = spectrum if finest is None else spectrum.low_pass(finest)
    match handoff.keep:
        case "whole" | "phase-scrambled":
            return whole
        case "low-pass":
            return whole.low_pass(handoff.cutoff or 0.0)
        case "mean":
            return whole.low_pass(0)
        case "nothing":
            return LatentSpectrum(name=spectrum.name, bands=())


def _finest(before: Size, own: Size, model: Model) -> float | None:
    """Highest frequency that a smaller picture holds: half its unpacked side. None where it is no smaller."""
    smaller = before.height < own.height or before.width < own.width
    return max(before.height, before.width) / model.pixels_per_token if smaller else None
