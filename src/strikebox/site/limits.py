"""How fast one network may act, beside the quotas of orders, which the orders themselves are counted for.

A visitor who drops the cookie is a new client with each request, so what costs something is counted by
network too. Counters are rows of the database: every web process sees them, and a restart forgets none.

A limit slides: what was counted in the span before counts by the share of it that is still within a span.
"""

import math
from dataclasses import dataclass
from typing import final

import sqlalchemy as sa

from strikebox.errors import TooMany
from strikebox.jobs import Database
from strikebox.jobs.schema import tallies
from strikebox.site.sql import count_up, insert_once


@dataclass(frozen=True, slots=True)
class Limit:
    """So many in so many seconds."""

    most: int
    seconds: int


MINUTE, HOUR = 60, 3600
LOGINS = (Limit(5, MINUTE), Limit(30, HOUR))
ACTS = Limit(60, MINUTE)  # votes, reports
NOTES = Limit(30, MINUTE)  # what browsers report by themselves


@final
@dataclass(frozen=True, slots=True)
class Limits:
    """The counters of a database."""

    database: Database

    def act(self, network: str) -> None:
        """Count a vote or report. Raises TooMany, or JobsError where the database fails."""
        self._count("act", network, ACTS)

    def login(self, network: str) -> None:
        """Count an attempt to log in. Raises TooMany, or JobsError where the database fails."""
        for limit in LOGINS:
            self._count("login", network, limit)

    def note(self, network: str) -> bool:
        """Whether one more report by a browser is read. Raises JobsError where the database fails."""
        try:
            self._count("note", network, NOTES)
        except TooMany:
            return False
        return True

    def first_time(self, what: str) -> bool:
        """Whether `what` was not seen within the hour. Raises JobsError where the database fails."""
        with self.database.writing() as connection:
            now = _now(connection, self.database)
            row = {"what": "once", "whose": what, "seconds": HOUR, "span": 0, "until": now + HOUR}
            return insert_once(connection, tallies, {**row, "number": 1})

    def _count(self, what: str, whose: str, limit: Limit) -> None:
        """Raises TooMany; who is told so is not counted, and nothing is written for him."""
        with self.database.reading() as connection:
            self._check(connection, what, whose, limit)
        with self.database.writing() as connection:
            now = _now(connection, self.database)
            span = int(now // limit.seconds)
            key = {"what": what, "whose": whose, "seconds": limit.seconds, "span": span}
            count_up(connection, tallies, "number", {**key, "until": (span + 2) * limit.seconds})
            self._check(connection, what, whose, Limit(limit.most + 1, limit.seconds))

    def _check(self, connection: sa.Connection, what: str, whose: str, limit: Limit) -> None:
        """Raises TooMany where `limit` is reached."""
        now = _now(connection, self.database)
        span, share = int(now // limit.seconds), now / limit.seconds % 1
        mine = (tallies.c.what == what, tallies.c.whose == whose, tallies.c.seconds == limit.seconds)
        query = sa.select(tallies.c.span, tallies.c.number).where(*mine, tallies.c.span >= span - 1)
        numbers = {row.span: row.number for row in connection.execute(query)}
        if numbers.get(span, 0) + numbers.get(span - 1, 0) * (1 - share) >= limit.most:
            wait = max(math.ceil(limit.seconds * (1 - share)), 1)
            raise TooMany("Too many requests came from your network; try again later.", float(wait))


def _now(connection: sa.Connection, database: Database) -> float:
    return float(connection.execute(sa.select(database.now)).scalar_one())
