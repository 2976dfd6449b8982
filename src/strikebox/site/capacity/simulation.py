"""One run of the site by its own rules: visitors order, workers make, money is promised and spent.

What is left out: limits of one client, cancelled orders, enlargements, and pictures that are withheld. Times
are seconds from the first midnight that counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import simpy
from numpy.typing import NDArray

from strikebox.site.capacity.line import Line, Order, Purse
from strikebox.site.capacity.machines import Machines, Process
from strikebox.site.capacity.scenario import DAY, Scenario
from strikebox.site.capacity.traffic import Arrivals, Visitors


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened to the orders of the time that counts."""

    waits: NDArray[np.float64]  # seconds from an order to its picture, of each that was made
    orders: int
    queue_full: int  # refused
    no_money: int  # refused
    failed: int  # given up after their workers died
    seconds: float  # that count
    ended: float  # when the last order was made or given up
    rented: float  # seconds of all machines within them
    busy: float  # of those, spent on batches, lost ones too

    @property
    def refused(self) -> float:
        """Share of the orders."""
        return (self.queue_full + self.no_money) / self.orders if self.orders else 0.0


def simulate(scenario: Scenario, seed: np.random.SeedSequence) -> Outcome:
    """One run. The same `seed` brings the same orders to any fleet. Raises SettingsError."""
    ordering, making = (np.random.default_rng((*seed.generate_state(4).tolist(), n)) for n in range(2))
    match scenario.orders:
        case Visitors() as visitors:
            start, end = -scenario.warm_up, scenario.days * DAY
            arrivals = visitors.draw(start, end, scenario.shares, ordering)
        case recorded:
            start, end, arrivals = 0.0, recorded.seconds, recorded.arrivals
    return _Run(scenario, arrivals, (start, end), making).outcome()


@final
class _Run:
    """The orders of one run."""

    def __init__(
        self,
        scenario: Scenario,
        arrivals: Arrivals,
        span: tuple[float, float],
        dice: np.random.Generator,
    ) -> None:
        self._scenario, self._end = scenario, span[1]
        self._env = simpy.Environment(span[0])
        self._line, self._purse = Line(len(scenario.kinds), scenario.house.batch), Purse(scenario)
        self._over = self._env.event()
        self._open = 1  # orders that have not ended; and one for those that have not come
        self._waits: list[float] = []
        self._orders = self._queue_full = self._no_money = self._failed = 0
        self._env.process(self._visit(arrivals))
        window = (0.0, self._end)
        self._machines = Machines(self._env, scenario, self._line, dice, window, self._made, self._lost)

    def outcome(self) -> Outcome:
        """Run until every order has ended."""
        self._env.run(until=self._over)
        return Outcome(
            waits=np.array(self._waits),
            orders=self._orders,
            queue_full=self._queue_full,
            no_money=self._no_money,
            failed=self._failed,
            seconds=self._end,
            ended=self._env.now,
            rented=self._machines.rented,
            busy=self._machines.busy,
        )

    def _visit(self, arrivals: Arrivals) -> Process:
        pairs = zip(arrivals.times.tolist(), arrivals.kinds.tolist(), strict=True)
        for number, (time, kind) in enumerate(pairs):
            yield self._env.timeout(time - self._env.now)
            self._place(Order(number, kind, time, math.floor(time / DAY)))
        yield self._env.timeout(max(self._end - self._env.now, 0.0))  # machines are paid till then
        self._ended(1)

    def _place(self, order: Order) -> None:
        """As site/orders.py does: the queue first, then the money."""
        counts = order.came >= 0
        self._orders += counts
        if self._line.fresh >= self._scenario.house.queue:
            self._queue_full += counts
        elif not self._purse.promise(order):
            self._no_money += counts
        else:
            self._open += 1
            self._line.put(order)
            self._machines.wake()

    def _made(self, batch: Sequence[Order], seconds: float) -> None:
        each = seconds / len(batch)
        for order in batch:
            self._purse.used(order, each)
            self._purse.settle(order, each)
            if order.came >= 0:
                self._waits.append(self._env.now - order.came)
        self._ended(len(batch))

    def _lost(self, batch: Sequence[Order], seconds: float) -> None:
        for order in batch:
            self._purse.used(order, seconds / len(batch))
        self._env.process(self._again(batch))

    def _again(self, batch: Sequence[Order]) -> Process:
        """Their leases end: others may have them, unless too many workers died over them."""
        yield self._env.timeout(self._scenario.fleet.notice)
        for order in batch:
            if order.attempt < self._scenario.house.attempts:
                self._line.put(order)
                self._machines.wake()
            else:
                self._purse.settle(order, None)
                self._failed += order.came >= 0
                self._ended(1)

    def _ended(self, number: int) -> None:
        self._open -= number
        if self._open == 0:
            self._over.succeed()
