"""Does pass 1 of a two-pass arm change its outcome? Tests on any features; thumbnails show best what crosses.

What could cross at most is arithmetic (`flow`); here pictures say what did. What is exchanged stays within a
subject, since pictures of one subject resemble each other with or without a handoff.
"""

from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from strikebox.metrics.distances import euclidean
from strikebox.metrics.features import Feature, Metric
from strikebox.metrics.permutation import DRAWS, Labels, Order, Permuted, signs, summary, within_groups

Matrix = NDArray[np.float64]

_NOTHING = 1e-6  # of a feature, float32: what rounding leaves

OWN_PASS = Metric(
    name="own_gain",
    title="Trace of its own pass 1",
    unit="cosine, -1 to 1, of what sets an outcome and its pass 1 apart from the subject's others",
    better="higher",
    features=("tones",),
    source="where nothing crosses the two have nothing to do with each other; permutation test",
)
CONTROL = Metric(
    name="control_distance",
    title="Distance to its control",
    unit="distance to the control under the same seed / distance between seeds of the arm",
    better="higher",
    features=("tones",),
    source="0: pass 1 changes nothing; 1: as much as another seed would; permutation tests",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnPass:
    """An arm's outcomes beside their own pass 1."""

    gain: float  # mean cosine, 0 where nothing crosses
    test: Permuted


@dataclass(frozen=True, slots=True, kw_only=True)
class AgainstControl:
    """An arm beside one of its controls, pictures paired by subject and seed."""

    distance: float | None  # to the control, in distances between seeds of the arm; None where those are 0
    changed: Permuted  # small p: taking pass 1 away changes pictures in a way that repeats itself
    kept: Permuted  # small p: arm and control still share their pictures, so pass 1 does not decide them


def own_pass(
    outcomes: Feature, firsts: Feature, subjects: Labels, generator: Generator, draws: int = DRAWS
) -> OwnPass | None:
    """Does an outcome differ from its subject's other outcomes as its pass 1 differs from their pass 1?

    `outcomes` and `firsts` (cells, dim) in one order. Of each the mean of its subject is taken off; the
    statistic is the mean cosine of what is left of an outcome and of its own pass 1. Null: within a subject
    it does not matter which pass 1 belongs to which outcome. That is so where nothing crosses, since the two
    passes draw their noise apart. A small p says that something crosses. None where nothing is left: each
    subject has one seed, or seeds make no difference.
    """
    alike = _unit(_less_subject(outcomes, subjects)) @ _unit(_less_subject(firsts, subjects)).T
    if not alike.any():
        return None
    told = np.flatnonzero(alike.any(axis=1))

    def nearness(order: Order) -> float:
        return float(alike[told, order[told]].mean())

    test = within_groups(nearness, subjects, generator, draws)
    return OwnPass(gain=test.observed, test=test)


def against_control(
    arm: Feature, control: Feature, subjects: Labels, generator: Generator, draws: int = DRAWS
) -> AgainstControl | None:
    """How much do pictures change when pass 1 is taken away, or replaced?

    `arm` and `control` (cells, dim) in one order, paired by subject and seed. None where no subject has two
    seeds.

    `changed` tests the null that in each cell the two pictures might as well be exchanged. Its statistic is
    the energy distance of arm and control (Rizzo and Szekely, "Energy distance", 2016) over pairs of
    different cells: how much farther pictures are from the other kind than from their own. A small p says
    that the arm draws otherwise than its control. A change that is another in every cell is not found,
    however large; `distance` shows it.

    `kept` tests the null that within a subject it does not matter which control belongs to which cell: that
    to lose pass 1 is to lose the picture. Its statistic is minus the mean distance of pairs. A small p says
    that the pictures stay recognisably themselves without pass 1.
    """
    same = _same(subjects) & ~np.eye(len(arm), dtype=bool)
    if not same.any():
        return None
    between = euclidean(arm, control)
    pairs = float(np.diagonal(between).mean())
    seeds = float(euclidean(arm, arm)[same].mean())
    cells = np.arange(len(arm))

    def nearness(order: Order) -> float:
        return -float(between[cells, order].mean())

    return AgainstControl(
        distance=pairs / seeds if seeds else None,
        changed=_exchange_test(arm, control, generator, draws),
        kept=within_groups(nearness, subjects, generator, draws),
    )


def _exchange_test(arm: Feature, control: Feature, generator: Generator, draws: int) -> Permuted:
    """Exchange arm and control in some cells: the energy distance is then a quadratic form of the signs.

    For cells i and j let X be their two distances across kinds and W those within; exchanging i alone turns
    X - W into W - X, exchanging both leaves it.
    """
    across, within = euclidean(arm, control), euclidean(arm, arm) + euclidean(control, control)
    form = across + across.T - within
    np.fill_diagonal(form, 0)
    form /= max(1, len(arm) * (len(arm) - 1))
    # The first cell stays: to exchange all cells changes nothing.
    others, exact = signs(len(arm) - 1, generator, draws)
    ways = np.insert(others, 0, 1.0, axis=1)
    return summary(float(form.sum()), np.einsum("wi,wi->w", ways @ form, ways), exact)


def _less_subject(features: Feature, subjects: Labels) -> Matrix:
    """What sets each picture apart from the mean of its subject."""
    _, subject_of, counts = np.unique(subjects, return_inverse=True, return_counts=True)
    means = np.zeros((len(counts), features.shape[1]))
    np.add.at(means, subject_of, features)
    return features - (means / counts[:, None])[subject_of]


def _unit(vectors: Matrix) -> Matrix:
    """Rows of length 1; what is no longer than rounding stays 0."""
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.where(lengths > _NOTHING, vectors / np.maximum(lengths, _NOTHING), 0)


def _same(labels: Labels) -> NDArray[np.bool_]:
    values = np.asarray(labels)
    return values[:, None] == values
