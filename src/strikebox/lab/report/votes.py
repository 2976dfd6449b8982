"""What people chose who saw two pictures and not their recipes, and how far they agree."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import exp

from markupsafe import Markup

from strikebox.errors import RunError
from strikebox.lab.report.facts import Facts
from strikebox.lab.report.graded import Dial
from strikebox.lab.report.templates import fill
from strikebox.lab.votes.agreement import Agreement, agreement
from strikebox.lab.votes.ballots import BallotBox
from strikebox.lab.votes.bradley_terry import Strength, standing
from strikebox.lab.words import count_words, interval_words, number_words, share_words
from strikebox.recipe import Recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A recipe as voters see it."""

    recipe: Recipe
    chance: str  # of being chosen over the average recipe
    interval: str
    dial: Dial | None
    wins: str
    votes: str


def section(facts: Facts) -> Markup | None:
    """Recipes by votes; left out while nobody voted. Votes that cannot be read do not stop the report."""
    try:
        ballots = BallotBox(facts.run.folder.path).ballots()
    except RunError as error:
        return fill("votes.html", problem=str(error))
    recipes = {arm.recipe.name: arm.recipe for arm in facts.arms}
    if not any(ballot.left in recipes and ballot.right in recipes for ballot in ballots):
        return None
    found = standing(list(recipes), ballots)
    people, ties = count_words(found.raters, "person", "people"), count_words(found.ties, "tie")
    return fill(
        "votes.html",
        problem=None,
        choices=[
            _choice(strength, recipes[strength.recipe]) for strength in found.strengths if strength.votes
        ],
        counts=f"{count_words(found.votes, 'vote')} by {people}, {ties}",
        agreements=list(_agreements(agreement(ballots))),
        method=found.method,
    )


def _choice(strength: Strength, recipe: Recipe) -> Choice:
    low, high = strength.low, strength.high
    chance = None if strength.estimate is None else _chance(strength.estimate)
    ends = None if low is None or high is None else (_chance(low), _chance(high))
    stick = None if ends is None else (100 * ends[0], 100 * ends[1])
    return Choice(
        recipe=recipe,
        chance=share_words(chance),
        interval="" if ends is None else interval_words(*ends, share_words),
        dial=None if chance is None else Dial(ticks=(50.0,), stick=stick, head=100 * chance),
        wins=f"{strength.wins:g}",
        votes=f"{strength.votes:,}",
    )


def _chance(log_odds: float) -> float:
    return 1 / (1 + exp(-log_odds))


def _agreements(found: Agreement) -> Iterator[str]:
    if found.repeats:
        kappa = number_words(found.kappa_repeats)
        again = count_words(found.repeats, "pair that came back", "pairs that came back")
        yield f"Of {again} {found.same} got the same answer (kappa {kappa})."
    if found.shared and found.kappa_raters is not None:
        pairs = count_words(found.shared, "pair")
        yield f"Two people or more voted on {pairs} (kappa {number_words(found.kappa_raters)})."
    left, either = found.left
    if either:
        interval = interval_words(found.left_low, found.left_high, share_words)
        yield f"The left picture won {share_words(left / either)} ({interval}); half is no bias."
