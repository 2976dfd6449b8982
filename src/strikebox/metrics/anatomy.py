"""Anatomy: is the subject there, and whole?

A judge is asked which of some names fits a picture best: the run's subjects and others. It counts only as
far as it can be trusted: its hit rate on real pictures of known subjects is its ceiling, and below 0.8 it is
reported and not used. It gives noise a name like any other picture, though. So noise is looked for apart, and
what counts as noise is what no reference picture does, neither the base model's nor the held-out ones.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import floor

import numpy as np
from numpy.typing import NDArray

from strikebox.metrics.features import Feature, Metric

Flags = NDArray[np.bool_]

NAMED = Metric(
    name="named",
    title="Subject named",
    unit="share of pictures in which the judge names the subject first",
    better="higher",
    features=("judge",),
    source="largest cosine of picture and name, over subjects and others; beside the judge's ceiling",
)
MARGIN = Metric(
    name="margin",
    title="Margin of the subject",
    unit="cosine to the subject's name minus that to the best other name",
    better="higher",
    features=("judge",),
    source="above 0 the subject is named, and the further above the surer the judge is",
)
NOISE = Metric(
    name="noise",
    title="Texture noise",
    unit="share of pictures",
    better="lower",
    features=("noise",),
    source="finer detail, smaller segments or less order than nearly all reference pictures have",
)
WHOLE = Metric(
    name="whole",
    title="Anatomical integrity",
    unit="share of pictures that show their subject and are no noise",
    better="higher",
    features=("judge", "noise"),
    source="named and not noise; read relative to the base model's share",
)

LEAST_CEILING = 0.8
NOISE_SHARE = 0.05
FEWEST_REFERENCES = 10


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """What the judge says of pictures."""

    named: Flags  # (pictures,)
    margin: NDArray[np.float64]  # (pictures,)
    best: tuple[str, ...]  # the name that fits each best


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceiling:
    """How well the judge names real pictures; it is used where that is well enough."""

    rate: float | None  # None: there were none
    pictures: int
    usable: bool
    reason: str  # a sentence


@dataclass(frozen=True, slots=True, kw_only=True)
class Alarm:
    """From which figures on a picture is noise."""

    thresholds: tuple[float, ...]  # one a figure; above any of them is noise
    expected: Mapping[str, float]  # by kind of reference: at most this share of new ones is called noise

    def __call__(self, features: Feature) -> Flags:
        """Which of the pictures are noise, for `features` (pictures, figures), higher being noisier."""
        return np.asarray((features > np.array(self.thresholds)).any(axis=1))


def names(subjects: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
    """What the judge may choose from: the subjects, then the others that are none of them, each once."""
    first: dict[str, str] = {}
    for name in (*subjects, *others):
        first.setdefault(_folded(name), name)
    return tuple(first.values())


def judge(pictures: Feature, words: Feature, choices: Sequence[str], subjects: Sequence[str]) -> Judged:
    """Which of the `choices` fits each picture best, and whether that is its own of `subjects`.

    `pictures` (n, dim) and `words` (choices, dim) are unit vectors of one judge. Raises ValueError where a
    subject is none of the choices, or where there are fewer than two.
    """
    if len(choices) < 2:
        raise ValueError(f"needs at least 2 names to choose from, got {len(choices)}")
    place = {_folded(name): i for i, name in enumerate(choices)}
    own = np.array([place.get(_folded(subject), -1) for subject in subjects], np.int64)
    if (own < 0).any():
        raise ValueError(f"the subject {subjects[int(np.argmin(own))]} is none of the choices")
    cosines = pictures.astype(np.float64) @ words.astype(np.float64).T
    rows = np.arange(len(own))
    best = tuple(choices[int(i)] for i in cosines.argmax(axis=1))
    wanted = cosines[rows, own].copy()
    cosines[rows, own] = -np.inf
    margin = wanted - cosines.max(axis=1)
    return Judged(named=margin > 0, margin=margin, best=best)


def ceiling(real: Judged | None, base: Judged | None) -> Ceiling:
    """Whether the judge may be used, by its hit rate on `real` pictures, or else on the base model's own.

    The base model's hit rate is no higher than the judge's on real pictures, so it will do as a ceiling.
    """
    known, whose = (
        (real, "real pictures") if real is not None and len(real.named) else (base, "the base model's")
    )
    if known is None or not len(known.named):
        return Ceiling(rate=None, pictures=0, usable=False, reason="there are no pictures of known subjects")
    rate, count = float(known.named.mean()), len(known.named)
    usable = rate >= LEAST_CEILING
    verdict = "" if usable else f", and {LEAST_CEILING:.0%} is needed"
    reason = f"the judge names {rate:.0%} of {count} pictures ({whose}) rightly{verdict}"
    return Ceiling(rate=rate, pictures=count, usable=usable, reason=reason)


def noise_alarm(references: Mapping[str, Feature], share: float = NOISE_SHARE) -> Alarm | None:
    """What is noise, where `references` (pictures, figures), by name of their kind, are none.

    A picture is noise where one of its figures exceeds those of nearly all references of every kind: all but
    the `share`, evenly divided among the figures. With few references a kind sets the bar at its highest.
    None where no kind has at least ten.
    """
    kinds = {name: figures for name, figures in references.items() if len(figures) >= FEWEST_REFERENCES}
    if not kinds:
        return None
    bars = {name: _bar(figures, share) for name, figures in kinds.items()}
    expected = {name: beyond for name, (_, beyond) in bars.items()}
    highest = np.max([bar for bar, _ in bars.values()], axis=0)
    return Alarm(thresholds=tuple(highest.tolist()), expected=expected)


def whole(named: Flags, noise: Flags) -> Flags:
    """Pictures that show their subject and are no noise."""
    return named & ~noise


def _folded(name: str) -> str:
    return " ".join(name.casefold().split())


def _bar(figures: Feature, share: float) -> tuple[NDArray[np.float64], float]:
    """The k-th highest of each figure, and how much of new pictures of this kind will exceed one at most.

    Of n + 1 pictures of one kind each is as likely as any other to be among the k highest.
    """
    count, kinds = figures.shape
    allowed = max(1, floor(share / kinds * (count + 1)))
    ordered = np.sort(figures.astype(np.float64), axis=0)
    return ordered[count - allowed], kinds * allowed / (count + 1)
