"""Do voters agree, with themselves when a pair comes back with its sides swapped, and with each other?

Kappa is agreement beyond chance: 1 is perfect, 0 is what chance gives. None where nothing can be said.
"""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from strikebox.lab.statistics.rates import wilson
from strikebox.lab.votes.ballots import Ballot

Answer = Literal["first", "second", "tie"]  # of the two recipes in the order of their names
ANSWERS: tuple[Answer, ...] = ("first", "second", "tie")


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """How far votes can be trusted."""

    repeats: int  # pairs shown again to the same rater
    same: int  # of these, answered as before
    kappa_repeats: float | None  # Cohen's, of a rater with themselves
    shared: int  # pairs that two raters or more voted on
    kappa_raters: float | None  # Fleiss's, between raters
    left: tuple[int, int]  # votes for the left picture, votes for either
    left_low: float | None  # 95% Wilson interval of its share: one half is no bias
    left_high: float | None


def agreement(ballots: Sequence[Ballot]) -> Agreement:
    """Agreement in `ballots`, those taken back left out."""
    by_id = {ballot.id: ballot for ballot in ballots}
    twice = [
        (_answer(by_id[again.repeat_of]), _answer(again))
        for again in ballots
        if again.repeat_of is not None and again.repeat_of in by_id
    ]
    counts = _counts([ballot for ballot in ballots if ballot.repeat_of is None])
    left = sum(ballot.choice == "left" for ballot in ballots)
    chosen = sum(ballot.choice != "tie" for ballot in ballots)
    low, high = wilson(left, chosen) if chosen else (None, None)
    return Agreement(
        repeats=len(twice),
        same=sum(before == after for before, after in twice),
        kappa_repeats=cohen_kappa(twice),
        shared=len(counts),
        kappa_raters=fleiss_kappa(counts),
        left=(left, chosen),
        left_low=low,
        left_high=high,
    )


def cohen_kappa(answers: Sequence[tuple[str, str]]) -> float | None:
    """Kappa of two series of answers (Cohen, Educational and Psychological Measurement 1960).

    (p_o - p_e) / (1 - p_e): p_o the share of equal answers, p_e what the frequencies of both would give by
    chance. None without answers, or where all are the same one.
    """
    if not answers:
        return None
    n = len(answers)
    first, second = Counter(a for a, _ in answers), Counter(b for _, b in answers)
    seen = sum(a == b for a, b in answers) / n
    chance = sum(first[answer] * second[answer] for answer in first) / n**2
    return None if chance == 1 else (seen - chance) / (1 - chance)


def fleiss_kappa(counts: NDArray[np.int64]) -> float | None:
    """Kappa of many raters (Fleiss, Psychological Bulletin 1971) from `counts` (pairs, answers).

    Raters may differ in number from pair to pair; each pair counts once. None without a pair of two raters,
    or where all answers are the same one.
    """
    raters = counts.sum(axis=1)
    rated = counts[raters > 1]
    if not len(rated):
        return None
    n = rated.sum(axis=1)
    seen = float(((rated * (rated - 1)).sum(axis=1) / (n * (n - 1))).mean())
    chance = float(np.square(rated.sum(axis=0) / n.sum()).sum())
    return None if chance == 1 else (seen - chance) / (1 - chance)


def _counts(ballots: Sequence[Ballot]) -> NDArray[np.int64]:
    """(pairs that two raters or more voted on, ANSWERS)."""
    votes: defaultdict[tuple[str, int, str, str], dict[str, Answer]] = defaultdict(dict)
    for ballot in ballots:
        first, second = sorted((ballot.left, ballot.right))
        votes[ballot.subject, ballot.seed, first, second][ballot.rater] = _answer(ballot)
    rows = [
        [list(answers.values()).count(answer) for answer in ANSWERS]
        for answers in votes.values()
        if len(answers) > 1
    ]
    return np.array(rows, dtype=np.int64).reshape(len(rows), len(ANSWERS))


def _answer(ballot: Ballot) -> Answer:
    if ballot.choice == "tie":
        return "tie"
    return "first" if (ballot.choice == "left") == (ballot.left < ballot.right) else "second"
