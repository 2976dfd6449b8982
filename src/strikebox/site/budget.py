"""The money of a day: promised when an order is taken, settled when it is done, never more than there is.

Kept in billionths of a dollar, as whole numbers, so that sums are exact. An order belongs to the day on which
it was taken, whenever it is made. The limit is checked by the statement that reserves, so that any number of
orders may come at once.
"""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import final
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from strikebox.errors import BudgetSpent
from strikebox.jobs import Database
from strikebox.jobs.job import FINAL
from strikebox.jobs.schema import days, jobs, reservations
from strikebox.site.sql import insert_once

_NANO = 1e9
_AT_ONCE = 500  # reservations that a sweep settles in one transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Today:
    """The day's money in dollars."""

    limit: float
    spent: float  # measured
    reserved: float  # for what waits and runs
    left: float  # for new orders
    opens_at: float  # the next midnight, in seconds since 1970


@final
class Budget:
    """The days of a database."""

    def __init__(
        self,
        database: Database,
        dollars_per_day: float,
        time_zone: str = "UTC",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database, self._zone, self._clock = database, ZoneInfo(time_zone), clock
        self._limit = math.floor(dollars_per_day * _NANO)

    def reserve(self, connection: sa.Connection, job: str, dollars: float) -> None:
        """Promise money to a job. Raises BudgetSpent where the day has less left, and opens again when."""
        day, amount = self._day(), _nano(dollars)
        insert_once(connection, days, {"day": day})
        self._take(connection, day, amount)
        connection.execute(sa.insert(reservations).values(job=job, day=day, reserved=amount))

    def extend(self, connection: sa.Connection, job: str, dollars: float) -> None:
        """Promise a job more. Raises BudgetSpent where its day has less left."""
        day = connection.execute(sa.select(reservations.c.day).where(_open(job))).scalar()
        if day is None:
            return
        self._take(connection, day, _nano(dollars))
        more = sa.update(reservations).where(_open(job))
        connection.execute(more.values(reserved=reservations.c.reserved + _nano(dollars)))

    def use(self, connection: sa.Connection, job: str, dollars: float) -> float:
        """Note what a job has cost since this was last said; dollars that it has left of its promise."""
        used = sa.update(reservations).where(_open(job)).values(used=reservations.c.used + _nano(dollars))
        left = connection.execute(used.returning(reservations.c.reserved - reservations.c.used)).scalar()
        return 0.0 if left is None else float(left) / _NANO

    def settle(self, connection: sa.Connection, job: str, dollars: float = 0.0) -> float:
        """Close a job's reservation with all that was used, `dollars` added; the total in dollars.

        What was promised beyond it is free again. Doing so twice is doing it once.
        """
        self.use(connection, job, dollars)
        close = sa.update(reservations).where(_open(job)).values(settled=self._database.now)
        row = connection.execute(close.returning(*_AMOUNTS)).first()
        if row is None:
            total = connection.execute(
                sa.select(reservations.c.used).where(reservations.c.job == job)
            ).scalar()
            return float(total or 0) / _NANO
        freed = days.c.reserved - row.reserved
        changed = (
            sa.update(days).where(days.c.day == row.day).values(reserved=freed, spent=days.c.spent + row.used)
        )
        connection.execute(changed)
        return float(row.used) / _NANO

    def settle_ended(self) -> int:
        """Settle jobs that ended without it: cancelled, or given up after their workers died; how many."""
        ended = (
            sa.select(reservations.c.job)
            .join(jobs, jobs.c.id == reservations.c.job)
            .where(reservations.c.settled.is_(None), jobs.c.state.in_(FINAL))
            .limit(_AT_ONCE)
        )
        with self._database.reading() as connection:
            found = connection.execute(ended).scalars().all()
        if found:
            with self._database.writing() as connection:
                for job in found:
                    self.settle(connection, job)
        return len(found)

    def today(self) -> Today:
        """How the day stands."""
        with self._database.reading() as connection:
            return self.today_in(connection)

    def today_in(self, connection: sa.Connection) -> Today:
        """The same as one transaction sees it."""
        row = connection.execute(sa.select(days).where(days.c.day == self._day())).first()
        spent, reserved = (0, 0) if row is None else (row.spent, row.reserved)
        return Today(
            limit=self._limit / _NANO,
            spent=spent / _NANO,
            reserved=reserved / _NANO,
            left=max(self._limit - spent - reserved, 0) / _NANO,
            opens_at=self._midnight().timestamp(),
        )

    def _take(self, connection: sa.Connection, day: str, amount: int) -> None:
        fits = days.c.spent + days.c.reserved + amount <= self._limit
        taken = sa.update(days).where(days.c.day == day, fits).values(reserved=days.c.reserved + amount)
        if connection.execute(taken).rowcount != 1:
            opens = self._midnight()
            raise BudgetSpent(
                f"Today's budget is spent; the site makes pictures again at {opens:%H:%M %Z}.",
                retry_after=max(opens.timestamp() - self._clock(), 1.0),
            )

    def _day(self) -> str:
        return self._now().date().isoformat()

    def _midnight(self) -> datetime:
        tomorrow = self._now().date() + timedelta(days=1)
        return datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=self._zone)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), self._zone)


_AMOUNTS = (reservations.c.day, reservations.c.reserved, reservations.c.used)


def _open(job: str) -> sa.ColumnElement[bool]:
    return sa.and_(reservations.c.job == job, reservations.c.settled.is_(None))


def _nano(dollars: float) -> int:
    """Rounded up: a promise is not too small by a rounding."""
    return math.ceil(dollars * _NANO)
