"""How a job stands, as its page shows it live. Each state has a number that grows, to resume by."""

from dataclasses import dataclass
from typing import final

import sqlalchemy as sa

from strikebox.jobs import Database, State
from strikebox.jobs.job import FINAL
from strikebox.jobs.schema import fences, jobs, previews, workers
from strikebox.site.failures import Code, code_of
from strikebox.site.sql import insert_once
from strikebox.site.waiting import Waiting
from strikebox.site.workers import alive

_MOST_LEASES = 2**32


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a job stands."""

    id: str
    version: int  # of two for one job the higher is the later
    state: State
    ahead: int | None  # jobs before it; None: it does not wait
    seconds_left: float | None  # until it is done; None: nobody knows
    error: float | None  # seconds that `seconds_left` may be wrong by, nine times of ten
    steps_done: int
    steps: int | None  # None: not known yet
    preview_step: int | None  # of the preview that there is
    picture: str | None  # id, of a done job
    failure: Code | None  # of a failed one
    nobody: bool = False  # it waits, and no worker is there

    @property
    def is_final(self) -> bool:
        return self.state in FINAL


@dataclass(frozen=True, slots=True)
class Preview:
    """A look at the latents on the way: colours are guessed, detail is coarse."""

    step: int
    webp: bytes


@final
class ProgressReader:
    """The jobs of a database, as they go."""

    def __init__(self, database: Database, waiting: Waiting) -> None:
        self._database, self._waiting = database, waiting
        self._anybody = sa.select(workers.c.name).where(alive(database)).limit(1)

    def of(self, id: str) -> Progress | None:
        """How the job with this id stands, if there is one."""
        with self._database.reading() as connection:
            row = connection.execute(_NOW.where(jobs.c.id == id)).first()
            if row is None:
                return None
            estimate = self._waiting.estimate_in(connection, id)
            nobody = row.state == "waiting" and connection.execute(self._anybody).first() is None
        return Progress(
            id=id,
            version=_version(row),
            state=row.state,
            ahead=estimate.ahead,
            seconds_left=estimate.seconds,
            error=estimate.error,
            steps_done=row.steps_done,
            steps=row.steps or None,
            preview_step=row.preview_step,
            picture=row.result.get("picture"),
            failure=code_of(row.error or "") if row.state == "failed" else None,
            nobody=nobody,
        )

    def version(self, id: str) -> int | None:
        """The number of how it stands, which is cheaper to ask for again and again."""
        with self._database.reading() as connection:
            row = connection.execute(_NUMBER.where(jobs.c.id == id)).first()
        return None if row is None else _version(row)

    def preview(self, id: str) -> Preview | None:
        """The latest look at a running job's picture, if there is one."""
        query = sa.select(previews.c.step, previews.c.webp).where(previews.c.job == id)
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return None if row is None else Preview(row.step, row.webp)


def put_preview(connection: sa.Connection, job: str, preview: Preview) -> None:
    """Replace a job's preview. The renewal that goes with it numbers the change."""
    values = {"step": preview.step, "webp": preview.webp}
    if not insert_once(connection, previews, {"job": job, **values}):
        connection.execute(sa.update(previews).where(previews.c.job == job).values(values))


def drop_preview(connection: sa.Connection, job: str) -> None:
    """The picture is there, or never will be."""
    connection.execute(sa.delete(previews).where(previews.c.job == job))


_LEASES = sa.select(fences.c.last).where(fences.c.name == "jobs").scalar_subquery().label("leases")
_NUMBER = sa.select(jobs.c.state, jobs.c.version, _LEASES)
_NOW = sa.select(
    jobs.c.state,
    jobs.c.version,
    jobs.c.steps_done,
    jobs.c.steps,
    jobs.c.result,
    jobs.c.error,
    _LEASES,
    previews.c.step.label("preview_step"),
).join(previews, previews.c.job == jobs.c.id, isouter=True)


def _version(row: sa.Row[*tuple[object, ...]]) -> int:
    """A waiting job also moves up when others are leased."""
    return row.version * _MOST_LEASES + (row.leases if row.state == "waiting" else 0)
