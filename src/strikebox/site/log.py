"""The audit log: what people in charge did, to what, and why. It only grows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import sqlalchemy as sa

from strikebox.jobs import Database
from strikebox.jobs.schema import audit


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One act."""

    id: int  # later ones are higher
    at: float  # seconds since 1970, UTC
    who: str
    act: str  # take down, restore, admit, ...
    target: str  # id of a picture, report, key
    why: str


@final
class Log:
    """The acts in a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def write(self, who: str, act: str, target: str, why: str = "") -> None:
        """Add an act."""
        with self._database.writing() as connection:
            self.write_in(connection, who, act, target, why)

    def write_in(self, connection: sa.Connection, who: str, act: str, target: str, why: str = "") -> None:
        """The same within the transaction of the act itself, so that there is never one without the other."""
        values = {"at": self._database.now, "who": who, "act": act, "target": target, "why": why}
        connection.execute(sa.insert(audit).values(values))

    def read(self, before: int | None = None, most: int = 100, target: str | None = None) -> Sequence[Entry]:
        """Acts, the latest first; `before` the one with this id, of one `target` or of all."""
        query = sa.select(audit).order_by(audit.c.id.desc()).limit(most)
        if before is not None:
            query = query.where(audit.c.id < before)
        if target is not None:
            query = query.where(audit.c.target == target)
        with self._database.reading() as connection:
            return [Entry(**row) for row in connection.execute(query).mappings()]
