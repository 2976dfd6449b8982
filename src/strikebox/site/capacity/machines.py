"""The rented machines of a run, each with a worker that leases, makes, dies and starts again."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from typing import Any, final

import numpy as np
import simpy

from strikebox.site.capacity.line import Line, Order
from strikebox.site.capacity.scenario import Scenario
from strikebox.site.scaling import Scale

_THOUGHT = 10.0  # seconds between two looks at the line

Process = Generator[simpy.Event, Any, None]
Tell = Callable[[Sequence[Order], float], None]  # orders of a batch, and its seconds


@final
class Machines:
    """Rents as many as are always there at once, and others by the length of the line."""

    def __init__(
        self,
        env: simpy.Environment,
        scenario: Scenario,
        line: Line,
        dice: np.random.Generator,
        window: tuple[float, float],
        made: Tell,
        lost: Tell,
    ) -> None:
        """`window`: the seconds that count; `made` and `lost` hear of batches that ended."""
        self._env, self._scenario, self._line, self._dice = env, scenario, line, dice
        self._window, self._made, self._lost = window, made, lost
        self._fleet = scenario.fleet
        self._idle: deque[simpy.Event] = deque()
        # Each run begins somewhere else in what was measured.
        self._measured = [int(dice.integers(max(len(kind.factors), 1))) for kind in scenario.kinds]
        self._rented_since: dict[int, float] = {}
        self._rented = self.busy = 0.0
        self._too_many = 0
        self._least = self._fleet.gpus if self._fleet.least is None else self._fleet.least
        for number in range(self._least):
            env.process(self._machine(number, 0.0))
        if self._least < self._fleet.gpus:
            env.process(self._scale())

    @property
    def rented(self) -> float:
        """Seconds of all machines within the window, so far."""
        now = self._env.now
        return self._rented + sum(self._counted(since, now) for since in self._rented_since.values())

    def wake(self) -> None:
        """There is something to lease: the first idle worker that looks will have it."""
        if self._idle:
            # The soonest of so many looks, each at a moment of its own.
            soonest = self._scenario.house.look * self._dice.beta(1, len(self._idle))
            self._idle.popleft().succeed(soonest)

    def _machine(self, number: int, start: float) -> Process:
        """One machine from its rent to its return."""
        self._rented_since[number] = self._env.now
        yield self._env.timeout(start)
        while True:
            life = self._env.process(self._life())
            yield life if self._fleet.lives is None else life | self._fate(self._fleet.lives)
            if not life.is_alive:
                break
            life.interrupt()
            yield self._env.timeout(self._fleet.restart)
        self._rented += self._counted(self._rented_since.pop(number), self._env.now)

    def _fate(self, lives: float) -> simpy.Event:
        return self._env.timeout(float(self._dice.exponential(lives)))

    def _life(self) -> Process:
        """One worker until it dies or is one too many."""
        leased: list[Order] = []
        began, woken = self._env.now, self._env.event()
        try:
            while not self._leaves():
                leased, began = self._line.lease(), self._env.now
                if leased:
                    yield self._env.timeout(self._seconds(leased))
                    self._end(leased, began, self._made)
                    continue
                woken = self._env.event()
                self._idle.append(woken)
                yield woken
                if soonest := woken.value:
                    yield self._env.timeout(soonest)
        except simpy.Interrupt:
            if leased:
                self._end(leased, began, self._lost)
            elif woken in self._idle:
                self._idle.remove(woken)
            else:
                self.wake()  # it was about to look; another one must

    def _leaves(self) -> bool:
        """Whether the worker that asks, between two batches, is given back."""
        if not self._too_many:
            return False
        self._too_many -= 1
        return True

    def _seconds(self, leased: Sequence[Order]) -> float:
        number = leased[0].kind
        kind = self._scenario.kinds[number]
        if kind.factors:
            self._measured[number] = (self._measured[number] + 1) % len(kind.factors)
            factor = kind.factors[self._measured[number]]
        else:
            factor = 1.0 if kind.spread == 0 else self._dice.gamma(kind.spread**-2, kind.spread**2)
        return kind.seconds(len(leased)) * float(factor)

    def _end(self, leased: Sequence[Order], began: float, tell: Tell) -> None:
        self.busy += self._counted(began, self._env.now)
        tell(leased, self._env.now - began)

    def _counted(self, start: float, end: float) -> float:
        first, last = self._window
        return max(min(end, last) - max(start, first), 0.0)

    def _scale(self) -> Process:
        """Rent more where the line is long, give back what is idle."""
        scale, number = Scale(self._least, self._fleet.gpus), self._least
        while True:
            yield self._env.timeout(_THOUGHT)
            there = len(self._rented_since) - self._too_many
            jobs = sum(self._line.waiting)
            wanted = scale.wanted(self._env.now, there, jobs, self._waiting_work())
            for _ in range(wanted - there):
                self._env.process(self._machine(number, self._fleet.start))
                number += 1
            for _ in range(there - wanted):
                self._too_many += 1
                if self._idle:
                    self._idle.popleft().succeed(0.0)

    def _waiting_work(self) -> float:
        """Seconds of one worker that wait, in full batches."""
        size = self._scenario.house.batch
        pairs = zip(self._line.waiting, self._scenario.kinds, strict=True)
        return sum(number * kind.seconds(size) / size for number, kind in pairs)
