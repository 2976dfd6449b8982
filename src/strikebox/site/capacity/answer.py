"""What a number of GPUs brings, over replications of one scenario; and the smallest number that is enough."""

import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import BrokenExecutor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np

from strikebox.errors import SettingsError
from strikebox.lab.statistics.distributions import t_quantile
from strikebox.site.capacity.scenario import DAY, Scenario, check
from strikebox.site.capacity.simulation import Outcome, simulate

LEVEL = 0.95  # of the intervals
Runner = Callable[[Scenario], Sequence[Outcome]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean over replications, and where the true one lies with 95% confidence."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """What is enough."""

    wait_p95: float  # seconds
    refused: float  # share of the orders, refused for whatever reason

    def __post_init__(self) -> None:
        """Raises SettingsError where a number is impossible."""
        check("--wait-p95", self.wait_p95, least=0.0)
        if not 0 <= self.refused <= 1:
            raise SettingsError(f"--refused: is {self.refused:g}; it is a share, 0 to 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What so many GPUs bring. None: no replication had a picture to tell from."""

    gpus: int
    orders_a_day: float
    pictures_a_day: float
    refused: Interval  # share of the orders
    queue_full: float  # of the orders
    no_money: float  # of the orders
    failed: float  # of the orders
    wait_p50: Interval | None  # seconds from an order to its picture
    wait_p95: Interval | None
    wait_p99: Interval | None
    utilisation: float  # share of the rented time
    rented: float  # GPUs, on average
    dollars_a_day: Interval  # of rent
    dollars_a_picture: float | None

    def meets(self, goal: Goal) -> bool:
        """Whether the pessimistic ends of its intervals do."""
        return self.wait_p95 is not None and self.wait_p95.high <= goal.wait_p95 and self.is_open(goal)

    def is_open(self, goal: Goal) -> bool:
        """Whether few enough orders are refused."""
        return self.refused.high <= goal.refused


@contextmanager
def runner(replications: int, seed: int, processes: int) -> Generator[Runner]:
    """What runs a scenario so many times, each time with other dice, in as many processes."""
    if replications < 2:
        raise SettingsError(f"--replications: is {replications}; an interval takes 2 or more")
    seeds = np.random.SeedSequence(seed).spawn(replications)
    if processes == 1:
        yield lambda scenario: [simulate(scenario, seed) for seed in seeds]
        return
    with ProcessPoolExecutor(min(processes, replications), initializer=_deaf) as pool:
        try:
            yield lambda scenario: list(pool.map(simulate, [scenario] * replications, seeds))
        except BrokenExecutor:
            said = "a simulation was killed, most likely for memory; give fewer visitors or days"
            raise SettingsError(said) from None
        finally:
            pool.shutdown(cancel_futures=True)


def ask(scenario: Scenario, gpus: int, run: Runner) -> Answer:
    """What `gpus` bring, whatever the scenario's own number is."""
    fleet = scenario.fleet
    least = None if fleet.least is None else min(fleet.least, gpus)
    asked = replace(scenario, fleet=replace(fleet, gpus=gpus, least=least))
    outcomes = run(asked)
    rents = [one.rented / one.seconds * 24 * fleet.dollars_per_hour for one in outcomes]
    orders = sum(one.orders for one in outcomes) or 1
    days = sum(one.seconds for one in outcomes) / DAY
    pictures = sum(len(one.waits) for one in outcomes)
    rented = sum(one.rented for one in outcomes)
    return Answer(
        gpus=gpus,
        orders_a_day=sum(one.orders for one in outcomes) / days,
        pictures_a_day=pictures / days,
        refused=_share(interval([one.refused for one in outcomes])),
        queue_full=sum(one.queue_full for one in outcomes) / orders,
        no_money=sum(one.no_money for one in outcomes) / orders,
        failed=sum(one.failed for one in outcomes) / orders,
        wait_p50=_quantile(outcomes, 0.5),
        wait_p95=_quantile(outcomes, 0.95),
        wait_p99=_quantile(outcomes, 0.99),
        utilisation=sum(one.busy for one in outcomes) / rented if rented else 0.0,
        rented=rented / (days * DAY),
        dollars_a_day=interval(rents),
        dollars_a_picture=float(np.mean(rents)) * days / pictures if pictures else None,
    )


def search(scenario: Scenario, goal: Goal, most: int, run: Runner) -> Iterator[Answer]:
    """Answers on the way to the smallest number of GPUs that meets the goal, at most `most`.

    More GPUs are taken not to be worse. Ends at once where no number would do.
    """
    low, step, number = 1, 1, min(max(_least_number(scenario), 1), most)
    while True:
        yield (answer := ask(scenario, number, run))
        if answer.meets(goal):
            break
        if number == most or hopeless(scenario, answer, goal):
            return
        low, number, step = number + 1, min(number + step, most), 2 * step
    while low < number:
        middle = (low + number) // 2
        yield (answer := ask(scenario, middle, run))
        low, number = (low, middle) if answer.meets(goal) else (middle + 1, number)


def smallest(answers: Sequence[Answer], goal: Goal) -> Answer | None:
    """The cheapest answer that meets the goal."""
    return min((one for one in answers if one.meets(goal)), key=lambda one: one.gpus, default=None)


def hopeless(scenario: Scenario, answer: Answer, goal: Goal) -> bool:
    """Whether more GPUs would not help: a picture takes too long by itself, or the money is short."""
    return scenario.fastest > goal.wait_p95 or answer.no_money > goal.refused


def interval(values: Sequence[float]) -> Interval:
    """Student's t, over two replications or more."""
    mean, count = float(np.mean(values)), len(values)
    half = t_quantile(count - 1, (1 + LEVEL) / 2) * float(np.std(values, ddof=1)) / count**0.5
    return Interval(mean=mean, low=mean - half, high=mean + half)


def _deaf() -> None:
    """In a process that simulates: ctrl-C is for the one that asked, who waits for what runs."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _share(found: Interval) -> Interval:
    """A share has nothing below none and above all."""
    return Interval(mean=found.mean, low=max(found.low, 0.0), high=min(found.high, 1.0))


def _quantile(outcomes: Sequence[Outcome], q: float) -> Interval | None:
    values = [float(np.quantile(one.waits, q)) for one in outcomes if len(one.waits)]
    return interval(values) if len(values) > 1 else None


def _least_number(scenario: Scenario) -> int:
    """GPUs that are fully busy with the day's orders: fewer cannot be enough, unless many are refused."""
    return int(scenario.orders.a_second * scenario.work)
