"""Which workers are there: each says so every few seconds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import sqlalchemy as sa

from strikebox.jobs import Database
from strikebox.jobs.schema import workers
from strikebox.site.sql import insert_once

BEAT = 5.0  # seconds between signs of life
_SILENT = 4 * BEAT  # seconds after which a worker counts as gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """A worker as it last said. Times are seconds since 1970, UTC, by the database's clock."""

    name: str
    device: str
    model: str
    busy: int  # jobs in its hands
    started: float
    beat: float
    stuck: float | None  # since when its process cannot be ended: its device is out of service


@final
class Workers:
    """The workers of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def beat(self, name: str, device: str, model: str, busy: int) -> None:
        """A sign of life."""
        now = self._database.now
        values = {"device": device, "model": model, "busy": busy, "beat": now}
        with self._database.writing() as connection:
            if not insert_once(connection, workers, {"name": name, "started": now, **values}):
                connection.execute(sa.update(workers).where(workers.c.name == name).values(values))

    def beat_in(self, connection: sa.Connection, name: str, busy: int) -> None:
        """A sign of life of one that is known, within a transaction that does more."""
        values = {"busy": busy, "beat": self._database.now}
        connection.execute(sa.update(workers).where(workers.c.name == name).values(values))

    def leave(self, name: str) -> None:
        """It ends, and nobody need wait to notice."""
        with self._database.writing() as connection:
            connection.execute(sa.delete(workers).where(workers.c.name == name))

    def stick(self, name: str) -> None:
        """Its process cannot be ended. It counts as stuck until `leave`."""
        mine = sa.update(workers).where(workers.c.name == name, workers.c.stuck.is_(None))
        with self._database.writing() as connection:
            connection.execute(mine.values(stuck=self._database.now, busy=0))

    def alive(self) -> Sequence[Worker]:
        """Those that were heard of lately, the oldest first."""
        return self._where(alive(self._database))

    def stuck(self) -> Sequence[Worker]:
        """Those whose process cannot be ended, the oldest first."""
        return self._where(workers.c.stuck.is_not(None))

    def _where(self, condition: sa.ColumnElement[bool]) -> Sequence[Worker]:
        query = sa.select(workers).where(condition).order_by(workers.c.started)
        with self._database.reading() as connection:
            return [Worker(**row) for row in connection.execute(query).mappings()]


def alive(database: Database) -> sa.ColumnElement[bool]:
    """Whether a worker was heard of lately, and may make something."""
    return sa.and_(workers.c.beat > database.now - _SILENT, workers.c.stuck.is_(None))
