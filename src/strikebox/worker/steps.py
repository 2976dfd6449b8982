"""Denoising a step at a time, with a look at each step: how far each picture is, and what it will become."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import final

from strikebox.generation.backend import Backend, Denoise, Latents
from strikebox.generation.plan import Plan
from strikebox.generation.segments import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A picture after a step."""

    cell: str  # key
    steps_done: int  # on its own way, shared ones counted as its own
    steps: int
    clean: Callable[[], Latents]  # what the step believes the clean latents to be


OnStep = Callable[[Sequence[Look]], None]  # what it raises ends the rendering


@final
class Stepper:
    """Takes the place of a backend's denoise while the cells of `plan` are rendered.

    Latents are float32 between steps, as they are within the backend's own loop: the pictures are the same.
    """

    def __init__(self, backend: Backend, plan: Plan, on_step: OnStep) -> None:
        self._backend, self._on_step = backend, on_step
        self._places: Mapping[str, Sequence[_Place]] = _places(plan)

    def __call__(self, segments: Sequence[Segment], asked: Sequence[Denoise]) -> list[Latents]:
        latents = [request.latents for request in asked]
        for number, (start, end) in enumerate(pairwise(asked[0].sigmas), start=1):
            before = latents
            step = [replace(r, latents=x, sigmas=(start, end)) for r, x in zip(asked, before, strict=True)]
            latents = self._backend.denoise(step)
            guesses = [_guess(b, a, start, end) for b, a in zip(before, latents, strict=True)]
            self._on_step(self._looks(segments, guesses, number))
        return latents

    def _looks(
        self, segments: Sequence[Segment], guesses: Sequence[Callable[[], Latents]], number: int
    ) -> list[Look]:
        return [
            Look(cell=place.cell, steps_done=place.before + number, steps=place.steps, clean=guess)
            for segment, guess in zip(segments, guesses, strict=True)
            for place in self._places[segment.key]
        ]


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a segment stands on the way of a cell."""

    cell: str
    before: int  # steps before it
    steps: int  # of the whole way


def _places(plan: Plan) -> Mapping[str, Sequence[_Place]]:
    places: defaultdict[str, list[_Place]] = defaultdict(list)
    for cell, path in plan.paths.items():
        done, steps = 0, sum(segment.steps for segment in path)
        for segment in path:
            places[segment.key].append(_Place(cell, done, steps))
            done += segment.steps
    return places


def _guess(before: Latents, after: Latents, start: float, end: float) -> Callable[[], Latents]:
    """x_0 = x_sigma - sigma velocity, and an Euler step shows its velocity."""
    return lambda: (before + (after - before) * (start / (start - end))).astype(before.dtype)
