"""Questions and answers of a simulation in plain words."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace

from strikebox.lab.words import UNKNOWN, count_words, money_words, seconds_words, share_words
from strikebox.site.capacity.answer import Answer, Goal, Interval, hopeless, smallest
from strikebox.site.capacity.scenario import DAY, Kind, Scenario
from strikebox.site.capacity.traffic import Visitors

HEADINGS = ("GPUs", "refused", "p50", "p95", "95% sure", "p99", "busy", "a day", "a picture")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A question and all that was found."""

    scenario: Scenario
    goal: Goal
    answers: tuple[Answer, ...]  # by number of GPUs
    replications: int
    seed: int
    notes: tuple[str, ...] = ()  # on where the inputs come from

    @property
    def enough(self) -> Answer | None:
        return smallest(self.answers, self.goal)


def verdict(asked: Asked) -> str:
    """How many GPUs, at what wait and price; or what is in the way."""
    enough = asked.enough
    if enough is None:
        last = asked.answers[-1]
        return f"{_gpus(last)} not enough. {limit(asked.scenario, last, asked.goal)}"
    wait, day, one = enough.wait_p95, enough.dollars_a_day.mean, enough.dollars_a_picture
    return (
        f"{_gpus(enough)} enough: 95 of 100 pictures within {seconds_words(wait.mean if wait else None)}, "
        f"{share_words(enough.refused.mean)} refused, {money_words(day)} a day, {money_words(one)} a picture."
    )


def limit(scenario: Scenario, answer: Answer, goal: Goal) -> str:
    """What keeps so many GPUs from being enough; nothing where they are."""
    fleet, house = scenario.fleet, scenario.house
    if answer.meets(goal):
        return ""
    if answer.no_money > goal.refused:
        limit = money_words(house.dollars_per_day)
        return f"The day's budget limits: {limit} are spent before the day is over. More GPUs do not help."
    if hopeless(scenario, answer, goal):
        alone = seconds_words(scenario.fastest)
        return f"The model limits: a picture takes {alone} on a free GPU. More GPUs do not help."
    if fleet.least is not None and answer.rented < 0.9 * answer.gpus:
        return f"Renting limits: the line grows while a GPU starts ({seconds_words(fleet.start)}). Keep more."
    if answer.queue_full > goal.refused:
        line = count_words(house.queue, "order")
        return f"GPUs limit: {line} wait at the busiest times, and more are refused."
    return "GPUs limit: orders wait for their turn."


def rows(answers: Sequence[Answer]) -> list[tuple[str, ...]]:
    """Lines of a table under HEADINGS."""
    return [
        (
            str(one.gpus),
            share_words(one.refused.mean),
            _mean(one.wait_p50),
            _mean(one.wait_p95),
            UNKNOWN if one.wait_p95 is None else _ends(one.wait_p95),
            _mean(one.wait_p99),
            share_words(one.utilisation),
            money_words(one.dollars_a_day.mean),
            money_words(one.dollars_a_picture),
        )
        for one in answers
    ]


def inputs(asked: Asked) -> Iterator[tuple[str, str]]:
    """All that the answer follows from."""
    scenario, fleet, house = asked.scenario, asked.scenario.fleet, asked.scenario.house
    yield from _orders(scenario)
    for kind, share in zip(scenario.kinds, scenario.shares, strict=True):
        yield kind.name, _kind(kind, share)
    yield "at a time", count_words(house.batch, "picture")
    yield "may wait", count_words(house.queue, "order")
    budget = "no limit" if house.dollars_per_day is None else f"{money_words(house.dollars_per_day)} a day"
    yield "budget", budget
    yield "a GPU", f"{money_words(fleet.dollars_per_hour)} an hour"
    if fleet.least is not None:
        start = seconds_words(fleet.start)
        yield "rented", f"{count_words(fleet.least, 'GPU')} always, others as needed, ready after {start}"
    yield "a worker dies", _deaths(scenario)
    yield "enough is", _goal(asked.goal)
    yield "simulated", f"{asked.replications} times {scenario.days:g} days, seed {asked.seed}"


def as_json(asked: Asked) -> dict[str, object]:
    """The same for machines."""
    scenario, orders, enough = asked.scenario, asked.scenario.orders, asked.enough
    said = asdict(orders) if isinstance(orders, Visitors) else {"recorded": len(orders.arrivals.times)}
    return {
        "verdict": verdict(asked),
        "enough": None if enough is None else enough.gpus,
        "answers": [
            {**asdict(one), "limit": limit(scenario, one, asked.goal) or None} for one in asked.answers
        ],
        "goal": asdict(asked.goal),
        "orders": said,
        "kinds": [asdict(replace(kind, factors=())) for kind in scenario.kinds],
        "fleet": {key: value for key, value in asdict(scenario.fleet).items() if key != "gpus"},
        "house": asdict(scenario.house),
        "days": scenario.days,
        "replications": asked.replications,
        "seed": asked.seed,
        "notes": asked.notes,
    }


def _orders(scenario: Scenario) -> Iterator[tuple[str, str]]:
    orders = scenario.orders
    if not isinstance(orders, Visitors):
        number, days = len(orders.arrivals.times), orders.seconds / DAY
        yield "orders", f"{count_words(number, 'order')} of {days:.2g} days, as recorded"
        return
    yield "visitors", f"{orders.a_day:,.0f} a day, {orders.orders:g} orders each"
    yield "busiest moment", f"{orders.peak:g} times the day's mean: {orders.busiest:.2g} orders/s"
    if orders.crowds and orders.crowd:
        lasts = seconds_words(orders.crowd_lasts)
        yield (
            "crowds",
            f"{orders.crowds:g} a day of {orders.crowd:,.0f} visitors, most within {lasts}",
        )


def _kind(kind: Kind, share: float) -> str:
    spread = f", give or take {share_words(kind.spread)}" if kind.spread else ""
    batch = f"{seconds_words(kind.fixed)} a batch and {seconds_words(kind.each)} a picture"
    return f"{share_words(share)} of the orders: {batch}{spread}"


def _deaths(scenario: Scenario) -> str:
    fleet = scenario.fleet
    if fleet.lives is None:
        return "never"
    return f"every {seconds_words(fleet.lives)} on average, back after {seconds_words(fleet.restart)}"


def _goal(goal: Goal) -> str:
    return f"95 of 100 within {seconds_words(goal.wait_p95)}, at most {share_words(goal.refused)} refused"


def _gpus(answer: Answer) -> str:
    return count_words(answer.gpus, "GPU") + (" is" if answer.gpus == 1 else " are")


def _mean(found: Interval | None) -> str:
    return seconds_words(None if found is None else found.mean)


def _ends(found: Interval) -> str:
    low, high = seconds_words(max(found.low, 0.0)), seconds_words(found.high)
    return low if low == high else f"{low} to {high}"
