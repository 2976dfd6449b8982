"""What a simulation is told: pictures, visitors, GPUs and the house's rules. Times are seconds."""

import math
from dataclasses import dataclass, field
from typing import TypeVar

from strikebox.errors import SettingsError
from strikebox.jobs.queue import LEASE, MOST_ATTEMPTS
from strikebox.site.capacity.traffic import Orders, Visitors

DAY = 86400.0

Number = TypeVar("Number", bound=float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """Pictures that can be made together: of one recipe, at one size.

    A batch of k takes (fixed + each * k) times a factor: the next of those measured, which keeps slow
    times together as they were, or one from a gamma distribution of mean 1.
    """

    name: str
    fixed: float  # seconds of a batch, 0 or more
    each: float  # seconds more for each picture in it, above 0 unless `fixed` is
    spread: float = 0.0  # of the factor: standard deviation; 0: none, 1: exponential
    share: float = 1.0  # of the orders, beside the shares of other kinds
    factors: tuple[float, ...] = ()  # of measured batches, in their order; none: drawn by `spread`

    def __post_init__(self) -> None:
        """Raises SettingsError where a number is impossible."""
        for what in ("fixed", "each", "spread", "share"):
            check(f"{self.name}: {what}", getattr(self, what), least=0.0)
        if self.fixed + self.each == 0 or self.share == 0:
            raise SettingsError(f"{self.name}: takes no time, or nobody orders it; give numbers above 0")

    def seconds(self, pictures: int) -> float:
        """Of a batch, on average."""
        return self.fixed + self.each * pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The machines, one worker each."""

    gpus: int  # at most
    least: int | None = None  # that are always rented; None: all
    start: float = 60.0  # from renting one to its first batch
    lives: float | None = None  # mean time between failures of a worker; None: it never dies
    restart: float = 60.0  # from a death to the next batch there
    notice: float = LEASE  # from a death until others may have its jobs
    dollars_per_hour: float = 0.0  # of one machine

    def __post_init__(self) -> None:
        """Raises SettingsError where a number is impossible."""
        check("GPUs", self.gpus, least=1)
        for what in ("start", "restart", "notice", "dollars_per_hour"):
            check(what, getattr(self, what), least=0.0)
        if self.lives is not None and not 1 <= self.lives < math.inf:
            raise SettingsError(f"mean time between failures: is {self.lives:g} s; it is 1 s or more")
        if self.least is not None and not 0 <= self.least <= self.gpus:
            raise SettingsError(f"least GPUs: is {self.least}; it lies between 0 and {self.gpus}")


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """The site's settings that decide who is served, and when."""

    batch: int = 4  # pictures at a time, at most
    queue: int = 200  # orders that may wait; more are refused
    dollars_per_day: float | None = None  # for making pictures; None: no limit
    first_guess: float = 30.0  # a picture's seconds for the budget, before one was measured
    look: float = 0.2  # between two looks of an idle worker at the queue
    attempts: int = MOST_ATTEMPTS  # that die before an order fails

    def __post_init__(self) -> None:
        """Raises SettingsError where a number is impossible."""
        check("batch", self.batch, least=1)
        check("queue", self.queue, least=0)
        check("budget", self.dollars_per_day or 0.0, least=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One question."""

    kinds: tuple[Kind, ...]  # at least one
    orders: Orders | Visitors
    fleet: Fleet
    house: House = field(default_factory=House)
    days: float = 1.0  # that are counted; recorded orders bring their own
    warm_up: float = 3600.0  # before, that are not counted

    def __post_init__(self) -> None:
        """Raises SettingsError where a number is impossible."""
        if not self.kinds:
            raise SettingsError("no kind of picture is known; give --kind")
        if not 0.001 <= self.days <= 366:
            raise SettingsError(f"days: is {self.days:g}; it lies between 0.001 and 366")

    @property
    def shares(self) -> tuple[float, ...]:
        """Of the kinds; their sum is 1."""
        total = sum(kind.share for kind in self.kinds)
        return tuple(kind.share / total for kind in self.kinds)

    @property
    def fastest(self) -> float:
        """Seconds that one picture takes at best, on average: alone on a free worker."""
        return sum(s * kind.seconds(1) for s, kind in zip(self.shares, self.kinds, strict=True))

    @property
    def work(self) -> float:
        """Seconds of a worker that one order takes at least, on average: in full batches."""
        size = self.house.batch
        return sum(s * kind.seconds(size) / size for s, kind in zip(self.shares, self.kinds, strict=True))


def check(what: str, value: float, *, least: float) -> None:
    """Raises SettingsError where a number is below `least`, or none at all."""
    if not least <= value < math.inf:
        raise SettingsError(f"{what}: is {value:g}; it is {least:g} or more")
