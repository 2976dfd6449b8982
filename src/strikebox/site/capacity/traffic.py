"""When orders come: drawn for so many visitors a day, or as they were recorded. Times are seconds."""

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from strikebox.errors import SettingsError

_DAY = 86400.0
_PAUSE = 60.0  # seconds, on average, between two orders of one visitor
_MOST = 50_000_000  # orders that fit into memory


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Orders in the order in which they come."""

    times: NDArray[np.float64]  # rising, from 0
    kinds: NDArray[np.int64]  # which of the scenario's kinds


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Visitors:
    """People who come independently of each other, more of them by day, and now and then in a crowd.

    The day begins in its quietest moment. A crowd comes at any time, and thins out exponentially.
    """

    a_day: float
    orders: float = 1.0  # of one visitor, on average; a second one follows after a minute or so
    peak: float = 1.0  # rate at the busiest moment over the day's mean, 1 to 2
    crowds: float = 0.0  # a day, on average
    crowd: float = 0.0  # visitors in one, beside the others
    crowd_lasts: float = 600.0  # seconds until all but a third of it have come

    def __post_init__(self) -> None:
        """Raises SettingsError where a number is impossible."""
        for what in ("a_day", "orders", "crowds", "crowd"):
            if not 0 <= getattr(self, what) < math.inf:
                raise SettingsError(f"visitors: {what} is {getattr(self, what):g}; it is 0 or more")
        if not 1 <= self.peak <= 2:
            raise SettingsError(f"peak: is {self.peak:g}; it lies between 1 and 2 times the day's mean")
        if self.crowd_lasts <= 0:
            raise SettingsError(f"crowd: lasts {self.crowd_lasts:g} s; give more than 0")

    @property
    def a_second(self) -> float:
        """Orders, on average."""
        return (self.a_day + self.crowds * self.crowd) * self.orders / _DAY

    @property
    def busiest(self) -> float:
        """Orders a second at the busiest moment of a day without a crowd."""
        return self.a_day * self.orders * self.peak / _DAY

    def draw(
        self, start: float, end: float, shares: tuple[float, ...], dice: np.random.Generator
    ) -> Arrivals:
        """Orders between `start` and `end`; 0 is midnight, negative times are the day before.

        Raises SettingsError where there are too many to be held in memory.
        """
        expected = self.a_second * (end - start)
        if expected > _MOST:
            raise SettingsError(
                f"{expected:,.0f} orders are too many to simulate; give fewer days or visitors"
            )
        times = self._ordered(
            np.concatenate([self._alone(start, end, dice), *self._crowds(start, end, dice)]), dice
        )
        times = np.sort(times[(times >= start) & (times < end)])
        return Arrivals(times, dice.choice(len(shares), len(times), p=shares))

    def _alone(self, start: float, end: float, dice: np.random.Generator) -> NDArray[np.float64]:
        """A Poisson process whose rate is a cosine, by thinning (Lewis and Shedler, 1979)."""
        candidates = dice.uniform(start, end, dice.poisson(self.a_day * self.peak * (end - start) / _DAY))
        rate = 1 - (self.peak - 1) * np.cos(2 * np.pi * candidates / _DAY)
        return candidates[dice.random(len(candidates)) * self.peak < rate]

    def _crowds(self, start: float, end: float, dice: np.random.Generator) -> list[NDArray[np.float64]]:
        begins = dice.uniform(start, end, dice.poisson(self.crowds * (end - start) / _DAY))
        return [begin + dice.exponential(self.crowd_lasts, dice.poisson(self.crowd)) for begin in begins]

    def _ordered(self, visits: NDArray[np.float64], dice: np.random.Generator) -> NDArray[np.float64]:
        """When visitors order: the first time at once, then after a pause each."""
        surely = math.floor(self.orders)
        counts = surely + (dice.random(len(visits)) < self.orders - surely)
        times = [visits[counts > 0]]
        for number in range(1, surely + 1):
            again = counts[counts > number - 1] > number
            times.append(times[-1][again] + dice.exponential(_PAUSE, int(again.sum())))
        return np.concatenate(times)


@final
@dataclass(frozen=True, slots=True)
class Orders:
    """Orders as they were recorded: the same in every replication."""

    arrivals: Arrivals
    seconds: float  # from the first one to the end of the record

    @property
    def a_second(self) -> float:
        """Orders, on average."""
        return len(self.arrivals.times) / self.seconds

    @property
    def busiest(self) -> float:
        """Orders a second in the busiest hour."""
        hours = np.bincount((self.arrivals.times // 3600).astype(int))
        return float(hours.max()) / min(3600.0, self.seconds)
