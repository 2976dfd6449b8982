"""Which two pictures to show next: every pair of recipes as often, sides by chance, one in ten shown again.

A pair is shown again with its sides swapped, some votes later, to tell how far a rater agrees with
themselves. What comes next depends on the votes that were cast and on chance, so a sitting can be stopped and
gone on with.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from strikebox.lab.votes.ballots import Ballot

BLOCK = 10  # one showing of so many is a repeat
LAG = 5  # votes between a pair and its repeat, at least

Pictures = Mapping[tuple[str, str, int], str]  # recipe, subject, seed -> name of the picture in the store


@dataclass(frozen=True, slots=True)
class Pair:
    """Two recipes on one subject and seed, in the order of the design."""

    subject: str
    seed: int
    first: str
    second: str

    @property
    def recipes(self) -> tuple[str, str]:
        return self.first, self.second


@dataclass(frozen=True, slots=True)
class Showing:
    """A pair as it is shown."""

    subject: str
    seed: int
    left: str
    right: str
    repeat_of: str | None  # id of the ballot that it repeats


def all_pairs(pictures: Pictures) -> tuple[Pair, ...]:
    """Every two recipes on every subject and seed that have both, unless their pictures are the same file."""
    cells = dict.fromkeys((subject, seed) for _, subject, seed in pictures)
    recipes = list(dict.fromkeys(recipe for recipe, _, _ in pictures))
    return tuple(
        Pair(subject, seed, first, second)
        for first, second in combinations(recipes, 2)
        for subject, seed in cells
        if (one := pictures.get((first, subject, seed))) is not None
        and (two := pictures.get((second, subject, seed))) is not None
        and one != two
    )


def showings(pairs: Sequence[Pair]) -> int:
    """How many votes one rater is asked for: each pair once, and the repeats."""
    return len(pairs) + _repeats(pairs)


def next_showing(
    pairs: Sequence[Pair], ballots: Sequence[Ballot], generator: np.random.Generator
) -> Showing | None:
    """What to show a rater who has cast `ballots`, in that order; None where all is done."""
    known = {(pair.subject, pair.seed, frozenset(pair.recipes)): pair for pair in pairs}
    cast = [ballot for ballot in ballots if _cell(ballot) in known]
    seen = {known[_cell(ballot)] for ballot in cast}
    fresh = [pair for pair in pairs if pair not in seen]
    if repeated := _repeat(cast, _repeats(pairs), done=not fresh, generator=generator):
        # Sides swapped: who always takes the left one disagrees with themselves.
        return Showing(repeated.subject, repeated.seed, repeated.right, repeated.left, repeated.id)
    if not fresh:
        return None
    pair = _least_seen(fresh, seen, generator)
    left, right = pair.recipes if generator.random() < 0.5 else pair.recipes[::-1]
    return Showing(pair.subject, pair.seed, left, right, None)


def _repeats(pairs: Sequence[Pair]) -> int:
    return len(pairs) // (BLOCK - 1)


def _repeat(
    cast: Sequence[Ballot], wanted: int, *, done: bool, generator: np.random.Generator
) -> Ballot | None:
    """The vote to ask for again, if now is the time: once in each block, anywhere in it."""
    again = {ballot.repeat_of for ballot in cast if ballot.repeat_of is not None}
    if len(again) >= wanted:
        return None
    old = cast if done else cast[: max(0, len(cast) - LAG)]
    eligible = [ballot for ballot in old if ballot.repeat_of is None and ballot.id not in again]
    place = len(cast) % BLOCK
    if not eligible or (not done and _has_repeat(cast[len(cast) - place :])):
        return None
    if not done and generator.random() >= 1 / (BLOCK - place):
        return None
    return eligible[int(generator.integers(len(eligible)))]


def _has_repeat(ballots: Sequence[Ballot]) -> bool:
    return any(ballot.repeat_of is not None for ballot in ballots)


def _least_seen(fresh: Sequence[Pair], seen: set[Pair], generator: np.random.Generator) -> Pair:
    """One of the pairs whose recipes, then subject, then cell, were shown least often."""
    recipes = Counter(pair.recipes for pair in seen)
    subjects = Counter(pair.subject for pair in seen)
    cells = Counter((pair.subject, pair.seed) for pair in seen)

    def shown(pair: Pair) -> tuple[int, int, int]:
        return recipes[pair.recipes], subjects[pair.subject], cells[pair.subject, pair.seed]

    least = min(map(shown, fresh))
    among = [pair for pair in fresh if shown(pair) == least]
    return among[int(generator.integers(len(among)))]


def _cell(ballot: Ballot) -> tuple[str, int, frozenset[str]]:
    return ballot.subject, ballot.seed, frozenset((ballot.left, ballot.right))
