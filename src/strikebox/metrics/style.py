"""Style: how far from the base model's pictures towards held-out pictures of the style.

Training pictures are never looked at. A picture is compared with held-out ones, many at once: its distance is
the mean of those to its k nearest held-out pictures, k the square root of their number. A copy of a training
picture is no nearer to them than a held-out picture is to the others, so copying earns nothing that drawing
in the style would not.

Each descriptor (palette, print texture, the features of a network) must show first that it knows the style:
it counts only if it tells held-out pictures from each set of distractors and from the base model's pictures.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from strikebox.metrics.distances import euclidean
from strikebox.metrics.features import Feature, Metric
from strikebox.metrics.separation import auroc

Vector = NDArray[np.float64]

METRIC = Metric(
    name="style",
    title="Style fidelity",
    unit="share of the way from the base model's pictures (0) to held-out pictures of the style (1)",
    better="higher",
    features=("palette", "print-texture", "judge"),
    source="mean distance to the k nearest held-out pictures, by descriptors that pass an AUROC test; "
    "pictures are compared with held-out ones alone, so copying a training picture is no gain",
)

ADMITTED_AT = 0.95
"""Least area under the ROC curve, against every set, for a descriptor to count."""
FEWEST_HELD_OUT = 20
FEWEST_BASE = 5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Descriptor:
    """Features of one extractor, each (pictures, dim); near in Euclidean distance is alike."""

    name: str
    generated: Feature
    base: Feature  # the base model's own pictures
    held_out: Feature
    distractors: Mapping[str, Feature]  # by name of the set


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Whether a descriptor counts. AUROC: how often a held-out picture is nearer to the style."""

    name: str
    auroc: Mapping[str, float]  # by name of the distractor set
    auroc_base: float
    admitted: bool
    reason: str  # a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Where the scores of a kind of picture lie."""

    mean: float
    sd: float
    pictures: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scores:
    """Style of every picture, on the scale of the run."""

    generated: Vector  # (pictures,)
    base: Vector  # mean 0
    held_out: Vector  # each left out in turn; mean 1
    auroc: Mapping[str, float]  # of the score itself, held-out pictures against each set of distractors

    @property
    def floor(self) -> Spread:
        return _spread(self.base)

    @property
    def ceiling(self) -> Spread:
        return _spread(self.held_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """The outcome. `scores` is None where nothing could be measured; `reason` says why."""

    scores: Scores | None
    descriptors: tuple[Admission, ...]
    reason: str | None


def measure(descriptors: Sequence[Descriptor]) -> Style:
    """Style of every generated picture: the mean over the descriptors that are admitted.

    All descriptors are of the same pictures in the same order. Where there are too few held-out or base
    pictures, or no descriptor is admitted, there are no scores. Raises ValueError without any descriptor.
    """
    if not descriptors:
        raise ValueError("needs at least one descriptor")
    if reason := _too_few(descriptors[0]):
        return Style(scores=None, descriptors=(), reason=reason)
    examined = [_examine(descriptor) for descriptor in descriptors]
    admissions = tuple(admission for admission, _ in examined)
    used = [scores for admission, scores in examined if admission.admitted and scores is not None]
    if not used:
        return Style(scores=None, descriptors=admissions, reason=_NONE_ADMITTED)
    return Style(scores=_combined(used), descriptors=admissions, reason=None)


def distances(pictures: Feature, held_out: Feature) -> Vector:
    """Mean distance of each picture (n, dim) to its k nearest of `held_out` (m, dim), k = floor(sqrt(m))."""
    return _mean_of_nearest(euclidean(pictures, held_out), isqrt(len(held_out)))


def distances_among(held_out: Feature) -> Vector:
    """The same for the held-out pictures (m, dim) themselves, each left out in turn."""
    apart = euclidean(held_out, held_out)
    np.fill_diagonal(apart, np.inf)
    return _mean_of_nearest(apart, isqrt(len(held_out)))


_NONE_ADMITTED = (
    "no descriptor tells held-out pictures from every set of distractors and from the base model's pictures"
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scaled:
    """One descriptor's scores, base mean 0 and held-out mean 1."""

    generated: Vector
    base: Vector
    held_out: Vector
    distractors: Mapping[str, Vector]


def _too_few(descriptor: Descriptor) -> str | None:
    held_out, base = len(descriptor.held_out), len(descriptor.base)
    if held_out < FEWEST_HELD_OUT:
        return f"needs at least {FEWEST_HELD_OUT} held-out pictures of the style, got {held_out}"
    if base < FEWEST_BASE:
        return f"needs at least {FEWEST_BASE} pictures of the base model, got {base}"
    return None


def _examine(descriptor: Descriptor) -> tuple[Admission, _Scaled | None]:
    held_out = distances_among(descriptor.held_out)
    base = distances(descriptor.base, descriptor.held_out)
    sets = {name: distances(some, descriptor.held_out) for name, some in descriptor.distractors.items()}
    # Of distances the smaller is the more alike.
    areas = {name: auroc(some, held_out) for name, some in sets.items()}
    admission = _admission(descriptor.name, areas, auroc(base, held_out))
    if not admission.admitted:
        return admission, None
    alike = _Similarity(base=base, held_out=held_out)
    return admission, _Scaled(
        generated=alike(distances(descriptor.generated, descriptor.held_out)),
        base=alike(base),
        held_out=alike(held_out),
        distractors={name: alike(some) for name, some in sets.items()},
    )


def _admission(name: str, areas: Mapping[str, float], base: float) -> Admission:
    against = {**areas, "the base model's pictures": base}
    worst = min(against, key=lambda one: against[one])
    admitted = against[worst] >= ADMITTED_AT
    needed = "" if admitted else f", and {ADMITTED_AT} is needed"
    reason = f"AUROC {against[worst]:.3f} against {worst}, the hardest of {len(against)}{needed}"
    return Admission(name=name, auroc=areas, auroc_base=base, admitted=admitted, reason=reason)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Similarity:
    """Distances to scores: base 0 and held-out 1 on average, levelling off beyond both.

    A logistic curve with its middle halfway between the two medians. So a picture far from everything costs
    little more than one of the base model, and one more typical than held-out pictures are gains little.
    The medians lie in this order wherever AUROC exceeds 0.75.
    """

    base: Vector
    held_out: Vector

    def __call__(self, apart: Vector) -> Vector:
        floor, ceiling = float(self._curve(self.base).mean()), float(self._curve(self.held_out).mean())
        return (self._curve(apart) - floor) / (ceiling - floor)

    def _curve(self, apart: Vector) -> Vector:
        far, near = float(np.median(self.base)), float(np.median(self.held_out))
        return 0.5 - 0.5 * np.tanh(2 * (apart - (far + near) / 2) / (far - near))


def _combined(used: Sequence[_Scaled]) -> Scores:
    held_out = np.mean([scores.held_out for scores in used], axis=0)
    sets = {
        name: np.mean([scores.distractors[name] for scores in used], axis=0) for name in used[0].distractors
    }
    return Scores(
        generated=np.mean([scores.generated for scores in used], axis=0),
        base=np.mean([scores.base for scores in used], axis=0),
        held_out=held_out,
        auroc={name: auroc(held_out, some) for name, some in sets.items()},
    )


def _mean_of_nearest(apart: Vector, k: int) -> Vector:
    return np.sort(apart, axis=1)[:, :k].mean(axis=1)


def _spread(values: Vector) -> Spread:
    return Spread(mean=float(values.mean()), sd=float(values.std(ddof=1)), pictures=len(values))
