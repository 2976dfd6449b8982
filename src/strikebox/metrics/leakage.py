"""Leakage: which pictures repeat a training picture, and which one.

Shared style makes everything alike, so no similarity is a leak by itself. Held-out pictures of the same style
are compared with the same training pictures in the same way, and a picture leaks where it resembles one of
them more than held-out pictures do, after Benjamini and Hochberg.

Each descriptor has its own scale, so all are told as rarity: at a score of 3 one in e^3 = 20 held-out
pictures is as much like a training picture, at 7 one in a thousand if the tail goes on as it begins. A
picture's score is its highest over the descriptors, and so is that of a held-out picture.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from strikebox.metrics import alignment, conformal, views
from strikebox.metrics.features import Feature, Metric
from strikebox.metrics.matches import Matches, Placement

Vector = NDArray[np.float64]

METRIC = Metric(
    name="leaked",
    title="Training leakage",
    unit="share of pictures that repeat a training picture",
    better="lower",
    features=("thumbnail", "efficientnet"),
    source="conformal p-values against held-out pictures of the same style, Bates et al., 2021; "
    "false-discovery rate of Benjamini and Hochberg, 1995",
)

LEVEL = 0.05
_FEWEST_FOR_SCALE = 5
_MATCH: Mapping[str, Callable[[Feature, Feature], Matches]] = {
    "thumbnail": alignment.match,
    # The others were trained to compare pictures, and whitening undoes what they learned.
    "efficientnet": partial(views.match, whiten=True),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Descriptor:
    """What one extractor found: for generated and for held-out pictures their nearest training pictures."""

    name: str
    generated: Matches
    held_out: Matches | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """A picture beside the training picture that it resembles most."""

    training: int
    score: float  # rarity; with fewer than 5 held-out pictures what the first descriptor calls alike
    margin: float | None  # to the next different training picture, in units of the score
    descriptor: str  # by which the score is highest
    agreeing: tuple[str, ...]  # descriptors that name this training picture, or one of its group
    placement: Placement  # on the training picture, by the first descriptor that names it


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A flagged picture."""

    picture: int
    nearest: Nearest
    p: float
    q: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tested:
    """Which of n pictures leak."""

    p: Vector  # conformal, at least 1 / (held-out pictures + 1)
    q: Vector  # after Benjamini and Hochberg
    leaked: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Leakage:
    """The outcome. `tested` is None where held-out pictures are too few; `reason` says how many it takes."""

    nearest: tuple[Nearest, ...]  # of every picture
    held_out: Vector | None  # scores of the held-out pictures, for `copying.c_t`
    tested: Tested | None
    reason: str | None
    notes: tuple[str, ...]  # what so many held-out pictures cannot tell

    @property
    def scores(self) -> Vector:
        """Of every picture."""
        return np.array([one.score for one in self.nearest], np.float64)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """Of the pictures that leak, gravest first."""
        if (found := self.tested) is None:
            return ()
        flagged = [
            Evidence(picture=i, nearest=self.nearest[i], p=float(found.p[i]), q=float(found.q[i]))
            for i in np.flatnonzero(found.leaked).tolist()
        ]
        return tuple(sorted(flagged, key=lambda one: (one.q, one.p, -one.nearest.score)))


def describe(name: str, generated: Feature, held_out: Feature | None, training: Feature) -> Descriptor:
    """Compare features of the extractor `name`: thumbnails are laid over each other, all else by views.

    Raises ValueError where there is no training picture.
    """
    if not len(training):
        raise ValueError("needs at least one training picture")
    return Descriptor(
        name=name,
        generated=match(name, generated, training),
        held_out=match(name, held_out, training) if held_out is not None and len(held_out) else None,
    )


def match(name: str, pictures: Feature, training: Feature) -> Matches:
    """The training pictures that each of `pictures` resembles most, by features of the extractor `name`."""
    return _MATCH.get(name, views.match)(pictures, training)


def measure(
    descriptors: Sequence[Descriptor],
    *,
    groups: Sequence[int] | None = None,
    families: Sequence[int] | None = None,
    level: float = LEVEL,
) -> Leakage:
    """Which pictures leak. All descriptors are of the same pictures in the same order, the best at placing a
    picture (thumbnail) first.

    `groups` (m,) gives near-duplicates in the training set one number. `families` (n,) gives pictures that
    are judged together one number, arms say, and the false-discovery rate is kept within each; without it
    all are judged together. Raises ValueError without any descriptor.
    """
    if not descriptors:
        raise ValueError("needs at least one descriptor")
    scaled = _Scaled.of(descriptors)
    count = scaled.generated.shape[1]
    held_out = min(0 if one.held_out is None else len(one.held_out.alike) for one in descriptors)
    family = np.zeros(count, np.int64) if families is None else np.asarray(families, np.int64)
    needed = conformal.fewest(level)
    return Leakage(
        nearest=tuple(_nearest(scaled, picture, groups) for picture in range(count)),
        held_out=None if scaled.held_out is None else scaled.held_out.max(axis=0),
        tested=None if held_out < needed else _tested(scaled, family, level),
        reason=None if held_out >= needed else _too_few(held_out, needed),
        notes=() if held_out < needed else _notes(held_out, family, level),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Scaled:
    """Scores of the descriptors that have a scale; without held-out pictures the first alone, as it is."""

    descriptors: Sequence[Descriptor]
    units: Vector  # (d,) what 1 on the scale is
    generated: Vector  # (d, n)
    held_out: Vector | None  # (d, k)

    @classmethod
    def of(cls, descriptors: Sequence[Descriptor]) -> "_Scaled":
        calibrating = [one.held_out for one in descriptors if one.held_out is not None]
        alike = np.stack([one.generated.alike[:, 0] for one in descriptors])
        fewest = min((len(one.alike) for one in calibrating), default=0)
        if len(calibrating) < len(descriptors) or fewest < _FEWEST_FOR_SCALE:
            return cls(descriptors[:1], np.ones(1), alike[:1], None)
        held_out = np.stack([one.alike[:, 0] for one in calibrating])
        rarity = conformal.rarity
        return cls(descriptors, conformal.unit(held_out), rarity(alike, held_out), rarity(held_out, held_out))


def _nearest(scaled: _Scaled, picture: int, groups: Sequence[int] | None) -> Nearest:
    which = int(scaled.generated[:, picture].argmax())
    matches = scaled.descriptors[which].generated
    training = int(matches.training[picture, 0])
    gap = matches.margin(picture, groups)
    all_matches = [one.generated for one in scaled.descriptors]
    return Nearest(
        training=training,
        score=float(scaled.generated[which, picture]),
        margin=None if gap is None else gap / float(scaled.units[which]),
        descriptor=scaled.descriptors[which].name,
        agreeing=tuple(
            one.name
            for one in scaled.descriptors
            if _same(int(one.generated.training[picture, 0]), training, groups)
        ),
        placement=next(one for one in all_matches if one.training[picture, 0] == training).placement(picture),
    )


def _same(one: int, other: int, groups: Sequence[int] | None) -> bool:
    return one == other or (groups is not None and groups[one] == groups[other])


def _tested(scaled: _Scaled, family: NDArray[np.int64], level: float) -> Tested:
    assert scaled.held_out is not None
    p = conformal.joint_p_values(scaled.generated, scaled.held_out)
    q = np.ones_like(p)
    for one in np.unique(family):
        q[family == one] = conformal.q_values(p[family == one])
    return Tested(p=p, q=q, leaked=q <= level + 1e-9)


def _too_few(held_out: int, needed: int) -> str:
    return (
        f"{held_out} held-out pictures of the style cannot tell a leak from shared style, give at least "
        f"{needed}; nearest training pictures are shown, and none is called a leak"
    )


def _notes(held_out: int, family: NDArray[np.int64], level: float) -> tuple[str, ...]:
    tests = int(np.unique(family, return_counts=True)[1].max(initial=0))
    least = conformal.least_flagged(held_out, tests, level) if tests else 1
    if least == 1:
        return ()
    alone = conformal.held_out_needed(1, tests, level)
    note = (
        f"With {held_out} held-out pictures, fewer than {least} leaks among {tests} pictures judged together "
        f"cannot be told from chance; {alone} held-out pictures would show a single one."
    )
    return (note,)
