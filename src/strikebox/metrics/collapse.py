"""Collapse: do different subjects and seeds give the same picture?

The kernel is the cosine of composition features, which has no bandwidth to choose: 1 for equal compositions,
near 0 for unlike ones. What it gives depends on the number of pictures and on what the style itself has in
common (all labels have a frame), so every figure is read beside the base model's and the held-out pictures'.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from scipy import special  # pyright: ignore[reportMissingTypeStubs]

from strikebox.metrics.features import Feature, Metric
from strikebox.metrics.groups import Groups, both, numbers, spanned
from strikebox.metrics.permutation import DRAWS, Labels, Order, Permuted, within_groups

Matrix = NDArray[np.float64]

EFFECTIVE_PICTURES = Metric(
    name="rke",
    title="Effective number of pictures",
    unit="pictures, 1 to as many as there are",
    better="higher",
    features=("composition",),
    source="Renyi kernel entropy of order 2 (RKE), Jalali, Li and Farnia, NeurIPS 2023; cosine kernel",
)
SEED_LOCK = Metric(
    name="seed_lock",
    title="Seed lock",
    unit="cosine of compositions: two subjects under one seed, minus under two seeds",
    better="lower",
    features=("composition",),
    source="where the seed alone decides the composition, subjects resemble each other under one seed; "
    "permutation test",
)
GLOBAL_COLLAPSE = Metric(
    name="global_collapse",
    title="Global collapse",
    unit="mean cosine of compositions over different subjects and seeds, minus the base model's",
    better="lower",
    features=("composition",),
    source="if an arm draws one composition whatever it is asked, its pictures resemble each other more than "
    "the base model's and more than held-out pictures of the style; jackknife over subjects",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """How alike pictures of different subjects and seeds are: the mean cosine."""

    mean: float
    error: float | None  # jackknife standard error, subjects left out in turn; None with fewer than three
    subjects: int


@dataclass(frozen=True, slots=True, kw_only=True)
class GlobalCollapse:
    """An arm's likeness minus another's, with a t interval."""

    difference: float
    low: float | None
    high: float | None


def effective_pictures(features: Feature) -> float:
    """RKE = 1 / sum((K / n)^2) of `features` (n, dim): 1 where all pictures agree, n where none do.

    Raises ValueError on fewer than two pictures, which say nothing about collapse, or a feature of length 0.
    """
    if len(features) < 2:
        raise ValueError(f"collapse needs at least 2 pictures, got {len(features)}")
    vectors = _unit(features)
    # The sum of the squares of V V' is that of V' V, which does not grow with the pictures.
    products = vectors.T @ vectors if len(vectors) > vectors.shape[1] else vectors @ vectors.T
    return float(1 / np.square(products / len(features)).sum())


def expected_effective_pictures(
    features: Feature, count: int, generator: Generator, draws: int = 200
) -> float:
    """Mean RKE of `count` of the pictures, drawn without replacement: RKE grows with the number of pictures.

    This makes held-out pictures a ceiling for an arm of `count`. Raises ValueError where there are fewer.
    """
    if count > len(features):
        raise ValueError(f"cannot draw {count} of {len(features)} pictures")
    picks = (generator.permutation(len(features))[:count] for _ in range(draws))
    return float(np.mean([effective_pictures(features[pick]) for pick in picks]))


def seed_lock(
    features: Feature, subjects: Labels, seeds: Labels, generator: Generator, draws: int = DRAWS
) -> Permuted | None:
    """Mean cosine of different subjects under one seed minus under different seeds, for `features` (n, dim).

    Null of the test: within a subject it does not matter which picture belongs to which seed. A small p says
    that the seed decides composition across subjects. None where no pair of pictures can tell.
    """
    vectors, subject_of, seed_of = spanned(_unit(features)), numbers(subjects), numbers(seeds)
    by_subject, by_seed = Groups.of(subject_of), Groups.of(seed_of)
    by_cell = Groups.of(both(subject_of, seed_of))
    ones = np.ones((len(vectors), 1))

    # Within a subject seeds only change places, so the number of pairs that share one stays as it is.
    shared = by_seed.within(ones) - by_cell.within(ones)
    total = len(vectors) ** 2 - by_subject.within(ones)
    if not 0 < shared < total:
        return None
    everything = float(np.square(vectors.sum(0)).sum()) - by_subject.within(vectors)
    fixed = float(len(vectors)) if by_cell.within(ones) == len(vectors) else None  # one picture each

    def lock(order: Order) -> float:
        pictures = np.argsort(order)
        alone = by_cell.moved(pictures).within(vectors) if fixed is None else fixed
        under_one = by_seed.moved(pictures).within(vectors) - alone
        return under_one / shared - (everything - under_one) / (total - shared)

    return within_groups(lock, _with_first_fixed(subjects), generator, draws)


def alike(features: Feature, subjects: Labels, seeds: Labels | None = None) -> Alike | None:
    """Mean cosine over pairs of different subjects and different seeds, for `features` (n, dim).

    Without `seeds`, over pairs of different subjects: for pictures that no seed made. None where there is no
    such pair.
    """
    subject_of = numbers(subjects)
    seed_of = np.arange(len(subject_of)) if seeds is None else numbers(seeds)
    counts = _of_subjects(np.ones((len(subject_of), 1)), subject_of, seed_of)
    if not counts.any():
        return None
    cosines = _of_subjects(_unit(features), subject_of, seed_of)
    return Alike(
        mean=float(cosines.sum() / counts.sum()),
        error=_jackknife_error(cosines, counts) if len(counts) > 2 else None,
        subjects=len(counts),
    )


def global_collapse(arm: Alike, other: Alike, level: float = 0.95) -> GlobalCollapse:
    """`arm` minus `other`: above 0, the arm's pictures are more alike than those of the other.

    The errors are added as if independent, which is wide where both share subjects and seeds, and the t
    interval has the degrees of freedom of the one with fewer subjects.
    """
    difference = arm.mean - other.mean
    if arm.error is None or other.error is None:
        return GlobalCollapse(difference=difference, low=None, high=None)
    quantile = float(special.stdtrit(min(arm.subjects, other.subjects) - 1, (1 + level) / 2))
    reach = quantile * float(np.hypot(arm.error, other.error))
    return GlobalCollapse(difference=difference, low=difference - reach, high=difference + reach)


def collapsed(arm: Alike, base: Alike, held_out: Alike) -> bool | None:
    """Whether the arm is surely more alike than both the base model's pictures and the style's own.

    That is, whether both intervals lie above 0. None where there are too few subjects to say.
    """
    lows = [global_collapse(arm, other).low for other in (base, held_out)]
    known = [low for low in lows if low is not None]
    return all(low > 0 for low in known) if len(known) == len(lows) else None


def _unit(features: Feature) -> Matrix:
    """Raises ValueError on a feature of length 0."""
    vectors = features.astype(np.float64)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if (lengths == 0).any():
        raise ValueError("a feature has length 0, so it has no cosine")
    vectors /= lengths
    return vectors


def _of_subjects(vectors: Matrix, subject_of: Order, seed_of: Order) -> NDArray[np.float64]:
    """(subjects,): sums of products over pairs of one of its pictures and one of other subject and seed."""
    cell_of = both(subject_of, seed_of)
    first = np.unique(cell_of, return_index=True)[1]
    subjects, seeds, cells = (Groups.of(group).sums(vectors) for group in (subject_of, seed_of, cell_of))
    elsewhere = (subjects * (vectors.sum(0) - subjects)).sum(1)
    under_one = (cells * (seeds[seed_of[first]] - cells)).sum(1)
    return elsewhere - np.bincount(subject_of[first], weights=under_one)


def _with_first_fixed(subjects: Labels) -> NDArray[np.int64]:
    """Groups that leave the first subject's pictures in place: to rename the seeds of all changes nothing."""
    groups = np.unique(subjects, return_inverse=True)[1].astype(np.int64)
    first = groups == groups[0]
    groups[first] = groups.max() + 1 + np.arange(first.sum())
    return groups


def _jackknife_error(cosines: NDArray[np.float64], counts: NDArray[np.float64]) -> float:
    """Standard error of the mean cosine, each subject left out in turn. What is given is of each subject.

    Efron and Stein, "The jackknife estimate of variance", 1981: var = (g - 1) / g * sum((theta_g - mean)^2).
    """
    # A pair is counted with both its subjects.
    left = counts.sum() / 2 - counts
    without = (cosines.sum() / 2 - cosines)[left > 0] / left[left > 0]
    return float(np.sqrt((len(without) - 1) / len(without) * np.square(without - without.mean()).sum()))
