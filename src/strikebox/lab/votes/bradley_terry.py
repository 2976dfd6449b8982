"""How strong is each recipe, by votes on two at a time?

    P(i beats j) = 1 / (1 + exp(s_j - s_i))          Bradley and Terry; Hunter, Annals of Statistics 2004, (1)

with strengths s in log-odds, mean zero. A tie counts as half a win to both. A normal prior on the strengths
(mean 0, standard deviation 3) keeps a recipe that won every vote finite. Newton's method on the posterior.

Intervals are the wider of two. The one from the curvature (Fisher information) takes votes as independent.
The one clustered by subject (sandwich, times G / (G - 1), Student's t on G - 1 degrees for G subjects) knows
that some recipes may suit some subjects, but knows too little where a recipe won nearly all. By simulation of
5, 10 and 40 subjects the wider of the two covers 94% or more throughout, where the first alone falls to 84%
(strengths that vary by 0.7 between subjects) and the second to 48% (five votes on a recipe).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from strikebox.lab.statistics.distributions import normal_quantile, t_quantile
from strikebox.lab.votes.ballots import Ballot

PRIOR_DEVIATION = 3.0
_PRECISION = PRIOR_DEVIATION**-2
_TOLERANCE = 1e-10
_MOST_STEPS = 200

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strength:
    """A recipe as voters see it."""

    recipe: str
    estimate: float | None  # log-odds against the mean; None where votes do not connect it with the others
    low: float | None
    high: float | None
    wins: float  # a tie is half a win
    votes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """All recipes as voters see them."""

    strengths: tuple[Strength, ...]  # in the order of the recipes
    level: float
    votes: int  # repeats left out
    ties: int
    subjects: int
    raters: int
    method: str


def standing(recipes: Sequence[str], ballots: Sequence[Ballot], level: float = 0.95) -> Standing:
    """Strengths of `recipes` by `ballots`; repeats and votes on other recipes are left out."""
    counted = [b for b in ballots if b.repeat_of is None and b.left in recipes and b.right in recipes]
    subjects = list(dict.fromkeys(ballot.subject for ballot in counted))
    wins = _wins(recipes, subjects, counted)
    total = wins.sum(axis=0)
    joined = _largest_component(total + total.T > 0)
    within = wins[:, joined][:, :, joined]
    estimates = _fit(within.sum(axis=0))
    halves = _half_widths(within, estimates, level)
    return Standing(
        strengths=tuple(_strength(recipes, total, joined, i, estimates, halves) for i in range(len(recipes))),
        level=level,
        votes=len(counted),
        ties=sum(ballot.choice == "tie" for ballot in counted),
        subjects=len(subjects),
        raters=len({ballot.rater for ballot in counted}),
        method=f"Bradley-Terry, ties as half wins; {level:.0%} interval, the wider of Fisher information "
        "and a sandwich clustered by subject",
    )


def beats(strength: Strength, other: Strength) -> float | None:
    """The probability that a voter prefers the first; None where votes do not connect the two."""
    if strength.estimate is None or other.estimate is None:
        return None
    return float(1 / (1 + np.exp(other.estimate - strength.estimate)))


def _wins(recipes: Sequence[str], subjects: Sequence[str], ballots: Sequence[Ballot]) -> Matrix:
    """(subjects, recipes, recipes): how often the first recipe beat the second on a subject."""
    place = {recipe: i for i, recipe in enumerate(recipes)}
    row = {subject: i for i, subject in enumerate(subjects)}
    wins = np.zeros((max(1, len(subjects)), len(recipes), len(recipes)))
    for ballot in ballots:
        left, right = place[ballot.left], place[ballot.right]
        share = {"left": 1.0, "right": 0.0, "tie": 0.5}[ballot.choice]
        wins[row[ballot.subject], left, right] += share
        wins[row[ballot.subject], right, left] += 1 - share
    return wins


def _largest_component(compared: NDArray[np.bool_]) -> list[int]:
    """Recipes that comparisons connect; of several such groups the largest, of equals the first."""
    groups: list[list[int]] = []
    for start in range(len(compared)):
        if not any(start in group for group in groups):
            groups.append(_reached(compared, start))
    return max(groups, key=len, default=list[int]())


def _reached(compared: NDArray[np.bool_], start: int) -> list[int]:
    reached, waiting = {start}, [start]
    while waiting:
        near = {int(i) for i in np.flatnonzero(compared[waiting.pop()])} - reached
        reached |= near
        waiting += near
    return sorted(reached)


def _fit(wins: Matrix) -> Matrix:
    """The most likely strengths under the prior, (recipes,), from wins (recipes, recipes)."""
    strengths = np.zeros(len(wins))
    for _ in range(_MOST_STEPS):
        gradient, curvature = _slopes(wins, strengths, _PRECISION)
        step = np.linalg.solve(curvature, gradient)
        # Far from the top Newton overshoots; a short enough step climbs, as the posterior is concave.
        before = _posterior(wins, strengths)
        while np.abs(step).max(initial=0) > _TOLERANCE and _posterior(wins, strengths + step) < before:
            step = step / 2
        strengths = strengths + step
        if np.abs(step).max(initial=0) <= _TOLERANCE:
            break
    return strengths


def _half_widths(wins: Matrix, strengths: Matrix, level: float) -> Matrix:
    """Half the widths of the intervals, (recipes,), from wins (subjects, recipes, recipes)."""
    subjects, recipes = wins.shape[:2]
    inverse = np.linalg.inv(_slopes(wins.sum(axis=0), strengths, _PRECISION)[1])
    centred = np.eye(recipes) - 1 / max(1, recipes)  # of the mean nothing is known but the prior
    independent = np.sqrt(np.diag(centred @ inverse @ centred))
    halves = normal_quantile((1 + level) / 2) * independent
    if subjects < 2:
        return halves
    scores = np.stack([_slopes(own, strengths, _PRECISION / subjects)[0] for own in wins])
    sandwich = inverse @ (scores.T @ scores) @ inverse * subjects / (subjects - 1)
    clustered = np.sqrt(np.maximum(0.0, np.diag(sandwich)))
    return np.maximum(halves, t_quantile(subjects - 1, (1 + level) / 2) * clustered)


def _posterior(wins: Matrix, strengths: Matrix) -> float:
    ahead = strengths[:, None] - strengths[None, :]
    return float(-(wins * np.logaddexp(0, -ahead)).sum() - _PRECISION / 2 * (strengths @ strengths))


def _slopes(wins: Matrix, strengths: Matrix, precision: float) -> tuple[Matrix, Matrix]:
    """Gradient of the log posterior, and its negative second derivative."""
    votes = wins + wins.T
    chance = 1 / (1 + np.exp(strengths[None, :] - strengths[:, None]))
    information = votes * chance * (1 - chance)
    gradient = (wins - votes * chance).sum(axis=1) - precision * strengths
    return gradient, np.diag(information.sum(axis=1) + precision) - information


def _strength(
    recipes: Sequence[str], total: Matrix, joined: list[int], place: int, estimates: Matrix, halves: Matrix
) -> Strength:
    wins, votes = float(total[place].sum()), round(float((total[place] + total[:, place]).sum()))
    known = len(joined) > 1 and place in joined
    middle = float(estimates[joined.index(place)]) if known else None
    half = float(halves[joined.index(place)]) if known else 0.0
    return Strength(
        recipe=recipes[place],
        estimate=middle,
        low=None if middle is None else middle - half,
        high=None if middle is None else middle + half,
        wins=wins,
        votes=votes,
    )
