"""What is done with jobs: submitted, leased, renewed, finished, failed, cancelled, counted.

Every change is one transaction, and every change by a worker names the fence of its lease: where the job has
a later one, the change is refused (Kleppmann, Designing Data-Intensive Applications, 2017, ch. 8).
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, final

import sqlalchemy as sa

from strikebox.errors import JobsError, LeaseLost
from strikebox.jobs.database import Database
from strikebox.jobs.job import FINAL, Job, Request, State
from strikebox.jobs.notices import WORK, tell
from strikebox.jobs.schema import fences, jobs

# A job whose worker died with its machine, so that nobody says so, runs again when its lease is over: within
# 35 s, with room for the next worker to notice. A lease is renewed every 5 s and outlasts a writer that waits
# 10 s for another, twice.
LEASE = 25.0  # seconds
MOST_ATTEMPTS = 3

_FENCE = "jobs"
_NEXT_VERSION = jobs.c.version + 1
_GAVE_UP = "gave-up: it was tried {attempts} times and each worker died over it"


@final
class Queue:
    """The jobs of a database; any number of processes may hold one."""

    def __init__(
        self, database: Database, *, lease: float = LEASE, most_attempts: int = MOST_ATTEMPTS
    ) -> None:
        self._database, self._lease, self._most_attempts = database, lease, most_attempts

    def submit(self, requests: Sequence[Request]) -> list[str]:
        """Put jobs at the end of the queue, all or none; their ids, in order."""
        with self._database.writing() as connection:
            return self.submit_in(connection, requests)

    def submit_in(self, connection: sa.Connection, requests: Sequence[Request]) -> list[str]:
        """The same within a transaction that does more."""
        ids = [_new_id() for _ in requests]
        rows = [
            {
                "id": id,
                "kind": request.kind,
                "batch": request.batch,
                "payload": dict(request.payload),
                "client": request.client,
                "urgency": request.urgency,
                "state": "waiting",
                "result": {},
            }
            for id, request in zip(ids, requests, strict=True)
        ]
        if rows:
            connection.execute(sa.insert(jobs).values(created=self._database.now), rows)
            tell(connection, WORK)
        return ids

    def lease(self, worker: str, most: int = 1, kinds: Sequence[str] | None = None) -> list[Job]:
        """The next job and up to `most` - 1 others that may be done with it, now running under `worker`.

        What another holds past its lease counts as waiting, until it was tried too often: then it fails.
        """
        with self._database.writing() as connection:
            self._give_up(connection)
            first = connection.execute(self._next(kinds).limit(1)).mappings().first()
            if first is None:
                return []
            alike = self._next([first["kind"]]).where(jobs.c.batch == first["batch"]).limit(most)
            ids = [row["id"] for row in connection.execute(alike).mappings()]
            fence = _next_fence(connection)
            now = self._database.now
            changed = (
                sa.update(jobs)
                .where(jobs.c.id.in_(ids))
                .values(
                    state="running",
                    attempt=jobs.c.attempt + 1,
                    fence=fence,
                    worker=worker,
                    leased_until=now + self._lease,
                    started=now,
                    steps_done=0,
                    version=_NEXT_VERSION,
                )
                .returning(jobs)
            )
            leased = [_job(row) for row in connection.execute(changed).mappings()]
            tell(connection, *ids)
        return sorted(leased, key=lambda job: (-job.urgency, job.id))

    def renew(self, leased: Sequence[Job], steps_done: int = 0, steps: int = 0) -> None:
        """Keep jobs for another lease, and say how far they are. Raises LeaseLost where one was lost."""
        with self._database.writing() as connection:
            for job in leased:
                self.renew_in(connection, job, steps_done, steps)

    def renew_in(self, connection: sa.Connection, job: Job, steps_done: int, steps: int) -> None:
        """Keep one job, within a transaction that does more. Raises LeaseLost where it was lost."""
        until = self._database.now + self._lease
        self._change(connection, job, {"leased_until": until, "steps_done": steps_done, "steps": steps})

    def release(self, leased: Sequence[Job]) -> None:
        """Give jobs back as if they had not been leased; those that were lost are left alone."""
        values = {"state": "waiting", "leased_until": None, "attempt": jobs.c.attempt - 1}
        with self._database.writing() as connection:
            for job in leased:
                with suppress(LeaseLost):
                    self._change(connection, job, values)

    def expire(self, worker: str) -> int:
        """End the leases of a worker that is known to be dead, so that others need not wait; how many."""
        held = (jobs.c.worker == worker, jobs.c.state == "running")
        with self._database.writing() as connection:
            ended = sa.update(jobs).where(*held).values(leased_until=self._database.now - 1)
            tell(connection, WORK)
            return connection.execute(ended).rowcount

    def has_work(self, kinds: Sequence[str] | None = None) -> bool:
        """Whether there is something to lease, which is cheaper to ask for than a lease."""
        query = sa.select(jobs.c.id).where(sa.or_(jobs.c.state == "waiting", self._expired())).limit(1)
        if kinds is not None:
            query = query.where(jobs.c.kind.in_(kinds))
        with self._database.reading() as connection:
            return connection.execute(query).first() is not None

    def finish(self, job: Job, result: Mapping[str, object]) -> None:
        """It is done. Doing so twice under one lease is doing it once. Raises LeaseLost where it was lost."""
        with self._database.writing() as connection:
            self.finish_in(connection, job, result)

    def finish_in(self, connection: sa.Connection, job: Job, result: Mapping[str, object]) -> None:
        """The same within a transaction that does more."""
        self._end(connection, job, {"state": "done", "result": dict(result), "error": None})

    def fail(self, job: Job, error: str, *, retry: bool = False) -> None:
        """It cannot be done, and `error` says why (site/failures.py); `retry`: another attempt may do it.

        Raises LeaseLost where the lease was lost.
        """
        with self._database.writing() as connection:
            self.fail_in(connection, job, error, retry=retry)

    def fail_in(self, connection: sa.Connection, job: Job, error: str, *, retry: bool = False) -> None:
        """The same within a transaction that does more."""
        if retry and job.attempt < self._most_attempts:
            self._change(connection, job, {"state": "waiting", "leased_until": None, "error": error})
        else:
            self._end(connection, job, {"state": "failed", "error": error})

    def cancel(self, id: str) -> bool:
        """Whether it was cancelled: it is so unless it is final. A worker learns of it when it renews."""
        with self._database.writing() as connection:
            changed = connection.execute(
                sa.update(jobs)
                .where(jobs.c.id == id, jobs.c.state.not_in(FINAL))
                .values(
                    state="cancelled",
                    finished=self._database.now,
                    leased_until=None,
                    version=_NEXT_VERSION,
                )
            )
            tell(connection, id)
        return changed.rowcount == 1

    def find(self, id: str) -> Job | None:
        """The job with this id, if there is one."""
        with self._database.reading() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == id)).mappings().first()
        return None if row is None else _job(row)

    def ahead(self, id: str) -> int | None:
        """How many waiting jobs come before it; None where it does not wait."""
        own = sa.select(jobs.c.urgency).where(jobs.c.id == id, jobs.c.state == "waiting").scalar_subquery()
        before = sa.or_(jobs.c.urgency > own, sa.and_(jobs.c.urgency == own, jobs.c.id < id))
        counted = sa.select(sa.func.count()).where(jobs.c.state == "waiting", before).scalar_subquery()
        with self._database.reading() as connection:
            row = connection.execute(sa.select(own.label("own"), counted.label("ahead"))).one()
        return None if row.own is None else int(row.ahead)

    def count(self, client: str | None = None) -> dict[State, int]:
        """Jobs by state, of one client or of all."""
        query = sa.select(jobs.c.state, sa.func.count()).group_by(jobs.c.state)
        if client is not None:
            query = query.where(jobs.c.client == client)
        with self._database.reading() as connection:
            return {state: int(number) for state, number in connection.execute(query)}

    def _next(self, kinds: Sequence[str] | None) -> sa.Select[str, str, str]:
        """Jobs that may be leased, the next one first; rows that another is leasing are passed over."""
        query = (
            sa.select(jobs.c.id, jobs.c.kind, jobs.c.batch)
            .where(sa.or_(jobs.c.state == "waiting", self._expired()))
            .order_by(jobs.c.urgency.desc(), jobs.c.id)
            .with_for_update(skip_locked=True)  # SQLite has no rows to lock, and BEGIN IMMEDIATE
        )
        return query if kinds is None else query.where(jobs.c.kind.in_(kinds))

    def _expired(self) -> sa.ColumnElement[bool]:
        return sa.and_(jobs.c.state == "running", jobs.c.leased_until < self._database.now)

    def _give_up(self, connection: sa.Connection) -> None:
        connection.execute(
            sa.update(jobs)
            .where(self._expired(), jobs.c.attempt >= self._most_attempts)
            .values(
                state="failed",
                error=_GAVE_UP.format(attempts=self._most_attempts),
                finished=self._database.now,
                leased_until=None,
                version=_NEXT_VERSION,
            )
        )

    def _end(self, connection: sa.Connection, job: Job, values: Mapping[str, Any]) -> None:
        mine = sa.select(jobs.c.state).where(jobs.c.id == job.id, jobs.c.fence == job.fence)
        if connection.execute(mine).scalar() == values["state"]:
            return
        ended = {**values, "finished": self._database.now, "leased_until": None}
        self._change(connection, job, ended)

    def _change(self, connection: sa.Connection, job: Job, values: Mapping[str, Any]) -> None:
        mine = (jobs.c.id == job.id, jobs.c.fence == job.fence, jobs.c.state == "running")
        if (
            connection.execute(sa.update(jobs).where(*mine).values(version=_NEXT_VERSION, **values)).rowcount
            != 1
        ):
            raise LeaseLost(f"job {job.id}: is not {job.worker}'s any more; drop what was made of it")
        tell(connection, job.id, *([WORK] if values.get("state") == "waiting" else []))


def _next_fence(connection: sa.Connection) -> int:
    """Higher than any before, on any worker: the row is locked until the transaction ends."""
    raised = sa.update(fences).where(fences.c.name == _FENCE).values(last=fences.c.last + 1)
    fence = connection.execute(raised.returning(fences.c.last)).scalar()
    if fence is None:
        raise JobsError("the table of fences is empty; restore the database from a backup")
    return int(fence)


def _new_id() -> str:
    """Nanoseconds since 1970, then 64 random bits, hexadecimal: later ids sort behind earlier ones."""
    return f"{time.time_ns():016x}{secrets.token_hex(8)}"


def _job(row: sa.RowMapping) -> Job:
    return Job(**{str(name): value for name, value in row.items()})
