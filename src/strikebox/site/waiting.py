"""How long a job will wait, from measured rates; and how wrong that was, from jobs that are done.

A batch of k pictures takes fixed + each * k seconds, a line through what was measured. Workers
take waiting jobs in order, a batch at a time, when they are free: that is played through.
"""

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import sqlalchemy as sa

from strikebox.jobs import Database, Job
from strikebox.jobs.job import FINAL
from strikebox.jobs.schema import batches, estimates, jobs, workers
from strikebox.site.workers import alive

_LATELY = 40  # batches that rates are measured from
_JUDGED = 200  # estimates that the error is measured from
_FEWEST = 5  # estimates that say anything about it
_PACE = 3  # steps that show the pace of a batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a client is told."""

    ahead: int | None  # jobs that come before it; None: it does not wait
    seconds: float | None  # until it is done; None: nobody knows yet
    error: float | None  # seconds that nine of ten earlier estimates were wrong by at most


@dataclass(frozen=True, slots=True)
class Rate:
    """Seconds that a batch takes."""

    fixed: float
    each: float  # for each picture

    def of(self, pictures: int) -> float:
        return self.fixed + self.each * pictures


@final
class Waiting:
    """The waiting in a database whose workers take up to `batch` jobs at a time."""

    def __init__(self, database: Database, batch: int) -> None:
        self._database, self._batch = database, batch

    def estimate(self, job: Job) -> Estimate:
        """How long until `job` is done. Nothing is left to wait for where it is final."""
        with self._database.reading() as connection:
            return self.estimate_in(connection, job.id)

    def estimate_in(self, connection: sa.Connection, id: str) -> Estimate:
        """The same as one transaction sees it."""
        row = connection.execute(sa.select(*_STANDING).where(jobs.c.id == id)).first()
        if row is None or row.state in FINAL:
            return Estimate(ahead=None, seconds=None, error=None)
        rate, error = _rate(connection, row.batch), _error(connection)
        now = float(connection.execute(sa.select(self._database.now)).scalar_one())
        running = _running(connection, rate, now)
        if row.state == "running":
            return Estimate(ahead=None, seconds=running.get(row.worker), error=error)
        waiting = _waiting(connection)
        ahead = waiting.index(id)
        free = _free(connection, running, self._database)
        return Estimate(
            ahead=ahead, seconds=_played(free, ahead, len(waiting), self._batch, rate), error=error
        )

    def promise_in(self, connection: sa.Connection, id: str) -> Estimate:
        """The estimate of a job that was just submitted, kept to be compared with what happens."""
        estimate = self.estimate_in(connection, id)
        if estimate.seconds is not None:
            values = {"job": id, "created": self._database.now, "seconds": estimate.seconds}
            connection.execute(sa.insert(estimates).values(values))
        return estimate

    def kept_in(self, connection: sa.Connection, id: str) -> None:
        """A job is done: its estimate can be judged."""
        now = self._database.now
        done = sa.update(estimates).where(estimates.c.job == id, estimates.c.finished.is_(None))
        connection.execute(done.values(actual=now - estimates.c.created, finished=now))

    def measured_in(
        self, connection: sa.Connection, worker: str, batch: str, pictures: int, seconds: float
    ) -> None:
        """A worker made a batch in so many seconds."""
        values = {"worker": worker, "batch": batch, "pictures": pictures, "seconds": seconds}
        connection.execute(sa.insert(batches).values(finished=self._database.now, **values))

    def work(self, guess: float) -> tuple[int, float]:
        """How many jobs wait, and the seconds that one worker would take for them.

        A picture takes `guess` seconds where nothing like it was measured.
        """
        counted = sa.select(jobs.c.batch, sa.func.count()).where(jobs.c.state == "waiting")
        with self._database.reading() as connection:
            waiting = [
                (str(key), int(count)) for key, count in connection.execute(counted.group_by(jobs.c.batch))
            ]
            rates = {key: _rate(connection, key) or Rate(0.0, guess) for key, _ in waiting}
        batches_of = {key: -(-count // self._batch) for key, count in waiting}
        seconds = sum(rates[k].fixed * batches_of[k] + rates[k].each * count for k, count in waiting)
        return sum(count for _, count in waiting), seconds

    def errors(self, most: int = _JUDGED) -> Sequence[tuple[float, float]]:
        """What was said and what happened, in seconds, of the latest jobs that are done."""
        with self._database.reading() as connection:
            return _errors(connection, most)


def fit(pictures: Sequence[int], seconds: Sequence[float]) -> Rate | None:
    """The line through measured batches, neither part below zero; through zero where all have one size.

    Of each size the median counts, as often as it was measured: a batch that the machine was busy beside says
    little about the next one.
    """
    if not pictures:
        return None
    all_sizes, all_times = np.asarray(pictures), np.asarray(seconds)
    sizes, counts = np.unique(all_sizes, return_counts=True)
    times = np.array([np.median(all_times[all_sizes == size]) for size in sizes])
    size, time = (float(np.average(values, weights=counts)) for values in (sizes, times))
    spread = float(counts @ (sizes - size) ** 2)
    slope = float(counts @ ((sizes - size) * (times - time))) / spread if spread > 0 else time / size
    each = min(max(slope, 0.0), time / size)
    return Rate(fixed=time - each * size, each=each)


_STANDING = (jobs.c.state, jobs.c.batch, jobs.c.worker)


def _rate(connection: sa.Connection, batch: str) -> Rate | None:
    query = sa.select(batches.c.pictures, batches.c.seconds).where(batches.c.batch == batch)
    rows = connection.execute(query.order_by(batches.c.id.desc()).limit(_LATELY)).all()
    return fit([row.pictures for row in rows], [row.seconds for row in rows])


def _running(connection: sa.Connection, rate: Rate | None, now: float) -> dict[str, float]:
    """Worker -> seconds until its batch is done, as far as one can tell."""
    counted = sa.select(
        jobs.c.worker,
        sa.func.count().label("pictures"),
        sa.func.min(jobs.c.started).label("started"),
        sa.func.max(jobs.c.steps_done).label("steps_done"),
        sa.func.max(jobs.c.steps).label("steps"),
    ).where(jobs.c.state == "running", jobs.c.leased_until > now)
    rows = connection.execute(counted.group_by(jobs.c.worker)).mappings()
    left = {row["worker"]: _left(row, rate, now) for row in rows}
    return {worker: seconds for worker, seconds in left.items() if seconds is not None}


def _left(row: sa.RowMapping, rate: Rate | None, now: float) -> float | None:
    """By the rate before at first, by its own pace the more the longer it shows."""
    elapsed, share = now - row["started"], row["steps_done"] / max(row["steps"], 1)
    before = None if rate is None else rate.of(row["pictures"])
    if before is None and row["steps_done"] < _PACE:
        return None
    pace = elapsed / share if share > 0 else 0.0
    whole = pace if before is None else share * pace + (1 - share) * before
    return max(whole - elapsed, 0.0)


def _waiting(connection: sa.Connection) -> list[str]:
    query = sa.select(jobs.c.id).where(jobs.c.state == "waiting")
    return list(connection.execute(query.order_by(jobs.c.urgency.desc(), jobs.c.id)).scalars())


def _free(connection: sa.Connection, running: Mapping[str, float], database: Database) -> list[float]:
    """Seconds until each living worker is free."""
    names = connection.execute(sa.select(workers.c.name).where(alive(database))).scalars()
    return [running.get(name, 0.0) for name in names]


def _played(free: list[float], ahead: int, waiting: int, batch: int, rate: Rate | None) -> float | None:
    """Seconds until the job with `ahead` before it, of `waiting`, is done."""
    if rate is None or not free:
        return None
    heapq.heapify(free)
    taken = 0
    while True:
        pictures = min(batch, waiting - taken)
        done = heapq.heappop(free) + rate.of(pictures)
        taken += pictures
        if taken > ahead:
            return done
        heapq.heappush(free, done)


def _error(connection: sa.Connection) -> float | None:
    wrong = [abs(said - was) for said, was in _errors(connection, _JUDGED)]
    return float(np.quantile(wrong, 0.9)) if len(wrong) >= _FEWEST else None


def _errors(connection: sa.Connection, most: int) -> list[tuple[float, float]]:
    judged = sa.select(estimates.c.seconds, estimates.c.actual).where(estimates.c.finished.is_not(None))
    rows = connection.execute(judged.order_by(estimates.c.finished.desc()).limit(most))
    return [(row.seconds, row.actual) for row in rows]
