"""What people say against pictures, and what is done about it: every act lands in the audit log."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, final

import sqlalchemy as sa

from strikebox.errors import MissingPicture
from strikebox.jobs import Database
from strikebox.jobs.schema import pictures, reports
from strikebox.site.log import Log
from strikebox.site.pictures import add_words, remove_words

Reason = Literal["illegal", "sexual", "violent", "hateful", "copied", "private", "other"]
REASONS: tuple[Reason, ...] = ("illegal", "sexual", "violent", "hateful", "copied", "private", "other")
LONGEST_TEXT = 2000  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What one client said against one picture."""

    id: int
    picture: str
    client: str
    reason: Reason
    text: str
    created: float  # seconds since 1970, UTC
    closed: float | None
    who: str | None  # closed it
    outcome: str | None  # in a word or two


@final
class Reports:
    """The reports of a database."""

    def __init__(self, database: Database, log: Log) -> None:
        self._database, self._log = database, log

    def file(self, picture: str, client: str, reason: Reason, text: str = "") -> int:
        """Report a public picture; its id, the same while the client's last one is open.

        Text beyond LONGEST_TEXT is cut off. Raises MissingPicture.
        """
        with self._database.writing() as connection:
            shown = sa.select(pictures.c.id).where(pictures.c.id == picture, pictures.c.state == "public")
            if connection.execute(shown).first() is None:
                raise MissingPicture("There is no such picture, or it is not shown any more.")
            mine = (reports.c.picture == picture, reports.c.client == client, reports.c.closed.is_(None))
            if (open_one := connection.execute(sa.select(reports.c.id).where(*mine)).scalar()) is not None:
                return int(open_one)
            values = {
                "picture": picture,
                "client": client,
                "reason": reason,
                "text": text.replace("\0", "")[:LONGEST_TEXT],
            }
            inserted = sa.insert(reports).values(created=self._database.now, **values)
            return int(connection.execute(inserted.returning(reports.c.id)).scalar_one())

    def open(self, most: int = 100) -> Sequence[Report]:
        """Those that nobody closed, the oldest first."""
        return self._read(reports.c.closed.is_(None), most)

    def of(self, picture: str, most: int = 100) -> Sequence[Report]:
        """All against one picture, the oldest first."""
        return self._read(reports.c.picture == picture, most)

    def count_open(self) -> int:
        query = sa.select(sa.func.count()).select_from(reports).where(reports.c.closed.is_(None))
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())

    def close(self, id: int, who: str, outcome: str) -> bool:
        """Whether it was open and is now closed."""
        with self._database.writing() as connection:
            return self._close(connection, reports.c.id == id, who, outcome) == 1

    def take_down(self, picture: str, who: str, why: str) -> None:
        """Show a picture to nobody, and close its reports. Raises MissingPicture."""
        with self._database.writing() as connection:
            self._move(connection, picture, ("public", "withheld"), "taken down")
            remove_words(connection, picture)
            self._close(connection, reports.c.picture == picture, who, "taken down")
            self._log.write_in(connection, who, "take down", picture, why)

    def restore(self, picture: str, who: str, why: str) -> None:
        """Show one that was taken down or withheld, if it is fit to be seen. Raises MissingPicture."""
        with self._database.writing() as connection:
            subject = self._move(connection, picture, ("taken down", "withheld"), "public")
            remove_words(connection, picture)
            add_words(connection, picture, subject)
            self._log.write_in(connection, who, "restore", picture, why)

    def _move(self, connection: sa.Connection, picture: str, before: tuple[str, ...], to: str) -> str:
        """Its subject."""
        there = (pictures.c.id == picture, pictures.c.state.in_(before))
        values: dict[str, object] = {"state": to} if to == "public" else {"state": to, "hall": None}
        moved = sa.update(pictures).where(*there).values(values).returning(pictures.c.subject)
        subject = connection.execute(moved).scalar()
        if subject is None:
            raise MissingPicture(f"picture {picture} is not {' or '.join(before)}; look at its page again")
        return str(subject)

    def _close(self, connection: sa.Connection, which: sa.ColumnElement[bool], who: str, outcome: str) -> int:
        changed = (
            sa.update(reports)
            .where(which, reports.c.closed.is_(None))
            .values(closed=self._database.now, who=who, outcome=outcome)
            .returning(reports.c.id)
        )
        closed = connection.execute(changed).scalars().all()
        for id in closed:
            self._log.write_in(connection, who, "close report", str(id), outcome)
        return len(closed)

    def _read(self, which: sa.ColumnElement[bool], most: int) -> Sequence[Report]:
        query = sa.select(reports).where(which).order_by(reports.c.id).limit(most)
        with self._database.reading() as connection:
            return [Report(**row) for row in connection.execute(query).mappings()]
