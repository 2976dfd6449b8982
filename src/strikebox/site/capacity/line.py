"""The line of waiting orders as jobs/queue.py keeps it, and the money as site/budget.py does."""

import heapq
from collections import deque
from dataclasses import dataclass, field
from typing import final

from strikebox.site.capacity.scenario import Scenario
from strikebox.site.pricing import LATELY, MARGIN


@dataclass(slots=True, order=True)
class Order:
    """One order on its way."""

    number: int
    kind: int = field(compare=False)
    came: float = field(compare=False)  # seconds
    day: int = field(compare=False)  # whose budget pays
    promised: float = field(compare=False, default=0.0)  # dollars
    used: float = field(compare=False, default=0.0)  # dollars, by attempts that died
    attempt: int = field(compare=False, default=0)


@final
class Line:
    """Who waits. Those of one kind are made together."""

    def __init__(self, kinds: int, batch: int) -> None:
        self._heaps: list[list[Order]] = [[] for _ in range(kinds)]
        self._batch = batch
        self.fresh = 0  # that were never tried, which are those that the limit counts

    def put(self, order: Order) -> None:
        """Into its place, which is that of its number."""
        heapq.heappush(self._heaps[order.kind], order)
        self.fresh += order.attempt == 0

    def lease(self) -> list[Order]:
        """The next one, and others of its kind. What was tried before is tried alone (worker/loop.py)."""
        filled = [heap for heap in self._heaps if heap]
        if not filled:
            return []
        heap = min(filled, key=lambda heap: heap[0])
        leased = [heapq.heappop(heap) for _ in range(min(self._batch, len(heap)))]
        together = leased[:1] if leased[0].attempt else [order for order in leased if order.attempt == 0]
        for order in leased:
            if order not in together:
                heapq.heappush(heap, order)
        for order in together:
            self.fresh -= order.attempt == 0
            order.attempt += 1
        return together

    @property
    def waiting(self) -> list[int]:
        """How many of each kind."""
        return [len(heap) for heap in self._heaps]


@final
class Purse:
    """A day's money: promised when an order is taken, settled when it ends."""

    def __init__(self, scenario: Scenario) -> None:
        self._limit = scenario.house.dollars_per_day
        self._a_second = scenario.fleet.dollars_per_hour / 3600
        self._guess = scenario.house.first_guess
        self._lately = [deque[float](maxlen=LATELY) for _ in scenario.kinds]
        self._taken: dict[int, float] = {}  # spent and promised, by day

    def promise(self, order: Order) -> bool:
        """Whether the day has the money for it."""
        if self._limit is None:
            return True
        lately = self._lately[order.kind]
        amount = self._a_second * (MARGIN * max(lately) if lately else self._guess)
        taken = self._taken.get(order.day, 0.0)
        if taken + amount > self._limit:
            return False
        self._taken[order.day], order.promised = taken + amount, amount
        return True

    def used(self, order: Order, seconds: float) -> None:
        """An attempt took so many seconds of its worker, its share."""
        order.used += seconds * self._a_second

    def settle(self, order: Order, seconds: float | None) -> None:
        """It has ended; `seconds`: what a picture of its batch took, None where there is none."""
        if self._limit is None:
            return
        self._taken[order.day] += order.used - order.promised
        if seconds is not None:
            self._lately[order.kind].append(seconds)
