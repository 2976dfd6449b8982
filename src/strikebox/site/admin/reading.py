"""What admin pages show and no other page does. The numbers are small: a screenful, or a week."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa

from strikebox.jobs import Database, Job, State
from strikebox.jobs.schema import batches, days, jobs, pictures, votes
from strikebox.site.log import Log

_DAY = 86400.0
_NANO = 1e9  # the table of days is in billionths of a dollar
_LATELY = 50  # batches


@dataclass(frozen=True, slots=True)
class Day:
    """A day's money, in dollars."""

    day: str  # 2026-11-23, in the site's time zone
    spent: float
    reserved: float


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a worker was lately."""

    worker: str
    batches: int
    pictures: int
    seconds: float  # for each picture


@dataclass(frozen=True, slots=True)
class Voter:
    """A client that voted a lot."""

    client: str
    votes: int
    last: float  # seconds since 1970


def jobs_in(database: Database, states: Sequence[State], most: int = 100) -> Sequence[Job]:
    """Jobs in these states: what waits or runs in the order in which it is done, the rest latest first."""
    over = not {"waiting", "running"} & set(states)
    order = (jobs.c.id.desc(),) if over else (jobs.c.state, jobs.c.urgency.desc(), jobs.c.id)
    query = sa.select(jobs).where(jobs.c.state.in_(states)).order_by(*order).limit(most)
    with database.reading() as connection:
        rows = connection.execute(query).mappings()
        return [Job(**{str(name): value for name, value in row.items()}) for row in rows]


def last_days(database: Database, most: int = 14) -> Sequence[Day]:
    """Days that cost anything, the latest first."""
    query = sa.select(days).order_by(days.c.day.desc()).limit(most)
    with database.reading() as connection:
        return [Day(row.day, row.spent / _NANO, row.reserved / _NANO) for row in connection.execute(query)]


def paces(database: Database) -> Sequence[Pace]:
    """Workers of the latest batches, the fastest first."""
    lately = sa.select(batches).order_by(batches.c.id.desc()).limit(_LATELY).subquery()
    count, made, took = sa.func.count(), sa.func.sum(lately.c.pictures), sa.func.sum(lately.c.seconds)
    query = sa.select(lately.c.worker, count, made, took).group_by(lately.c.worker)
    with database.reading() as connection:
        found = [Pace(w, int(n), int(p), float(s) / int(p)) for w, n, p, s in connection.execute(query)]
    return sorted(found, key=lambda pace: pace.seconds)


def votes_by_day(database: Database, most: int = 7) -> Sequence[tuple[str, int]]:
    """Votes that stand, by the day (UTC) on which they were cast, the latest first."""
    midnight = time.time() // _DAY * _DAY
    spans = [(midnight - n * _DAY, midnight - n * _DAY + _DAY) for n in range(most)]
    counted: list[tuple[str, int]] = []
    with database.reading() as connection:
        for start, end in spans:
            within = (votes.c.created >= start, votes.c.created < end)
            number = connection.execute(
                sa.select(sa.func.count()).select_from(votes).where(*within)
            ).scalar_one()
            counted.append((datetime.fromtimestamp(start, UTC).date().isoformat(), int(number)))
    return counted


def busiest_voters(database: Database, most: int = 20, days_back: int = 7) -> Sequence[Voter]:
    """Clients with the most votes lately: one that votes without end is hardly a visitor."""
    count = sa.func.count()
    query = (
        sa.select(votes.c.client, count, sa.func.max(votes.c.created))
        .where(votes.c.created >= time.time() - days_back * _DAY)
        .group_by(votes.c.client)
        .order_by(count.desc())
        .limit(most)
    )
    with database.reading() as connection:
        return [Voter(client, int(number), float(last)) for client, number, last in connection.execute(query)]


def discard_votes(database: Database, log: Log, client: str, who: str, why: str) -> int:
    """Take all votes of a client back, with an entry in the log; how many."""
    cast_by = votes.c.client == client
    theirs = sa.select(votes.c.picture).where(cast_by)
    with database.writing() as connection:
        fewer = sa.update(pictures).where(pictures.c.id.in_(theirs)).values(votes=pictures.c.votes - 1)
        connection.execute(fewer)
        gone = connection.execute(sa.delete(votes).where(cast_by)).rowcount
        log.write_in(connection, who, "discard votes", client, why)
    return int(gone)
