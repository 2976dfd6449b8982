"""What a picture of each recipe costs, and what the run saved by making shared work once."""

from dataclasses import dataclass

from markupsafe import Markup

from strikebox.generation.cost import cost_all_alone, cost_shared
from strikebox.lab.report.facts import Arm, Facts
from strikebox.lab.report.templates import fill
from strikebox.lab.words import UNKNOWN, flops_words, money_words, ratio_words, seconds_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A line of the table, ready to read."""

    arm: str
    title: str
    pictures: str
    forwards: str
    flops: str
    seconds: str
    dollars: str
    ratio: str
    share: float  # of the dearest recipe's FLOPs, 0 to 1


def section(facts: Facts) -> Markup | None:
    """The cost table; left out while no picture is finished."""
    if not facts.made:
        return None
    dearest = max((arm.cost.flops for arm in facts.arms if arm.cost), default=0)
    shared, alone = cost_shared(facts.plan), cost_all_alone(facts.plan)
    seconds_alone = [plate.cost.seconds or 0.0 for arm in facts.arms for plate in arm.plates if plate.cost]
    return fill(
        "costs.html",
        rows=[_row(arm, facts, dearest) for arm in facts.arms],
        baseline=facts.baseline.recipe.title,
        price=None if facts.dollars_per_hour is None else money_words(facts.dollars_per_hour),
        totals=[
            ("guided steps", f"{facts.plan.guided_steps:,}", f"{facts.plan.guided_steps_alone:,}"),
            ("forwards", f"{shared.forwards:,}", f"{alone.forwards:,}"),
            ("FLOPs", flops_words(shared.flops), flops_words(alone.flops)),
            ("time", seconds_words(facts.run.seconds), seconds_words(sum(seconds_alone))),
        ],
        spent=money_words(facts.spent),
        saved=1 - shared.flops / alone.flops if alone.flops else 0.0,
        finished=facts.made == facts.pictures,
    )


def _row(arm: Arm, facts: Facts, dearest: int) -> Row:
    cost, base = arm.cost, facts.baseline.cost
    return Row(
        arm=arm.recipe.arm or "",
        title=arm.recipe.title,
        pictures=f"{arm.made}" if arm.made == len(arm.plates) else f"{arm.made} of {len(arm.plates)}",
        forwards=UNKNOWN if cost is None else f"{cost.forwards:,}",
        flops=flops_words(None if cost is None else cost.flops),
        seconds=seconds_words(None if cost is None else cost.seconds),
        dollars=money_words(None if cost is None else cost.dollars),
        ratio=ratio_words(None if cost is None else cost.flops, None if base is None else base.flops),
        share=0.0 if cost is None or not dearest else cost.flops / dearest,
    )
