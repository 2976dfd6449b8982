"""Votes for pictures: one of a client for a picture, taken back at will."""

from typing import final

import sqlalchemy as sa

from strikebox.errors import MissingPicture
from strikebox.jobs import Database
from strikebox.jobs.schema import pictures, votes
from strikebox.site.sql import insert_once


@final
class Votes:
    """The votes in a database. The count stands with the picture too, so that pages need not count."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def cast(self, picture: str, client: str) -> int:
        """Vote, once however often it is asked for; the new count. Raises MissingPicture."""
        with self._database.writing() as connection:
            values = {"picture": picture, "client": client, "created": self._database.now}
            inserted = insert_once(connection, votes, values)
            return _count(connection, picture, int(inserted))

    def withdraw(self, picture: str, client: str) -> int:
        """Take a vote back, where there is one; the new count. Raises MissingPicture."""
        mine = (votes.c.picture == picture, votes.c.client == client)
        with self._database.writing() as connection:
            deleted = connection.execute(sa.delete(votes).where(*mine)).rowcount
            return _count(connection, picture, -deleted)

    def has(self, picture: str, client: str) -> bool:
        """Whether `client` voted for it."""
        mine = sa.select(votes.c.picture).where(votes.c.picture == picture, votes.c.client == client)
        with self._database.reading() as connection:
            return connection.execute(mine).first() is not None

    def total(self, since: float = 0.0) -> int:
        """Votes that were cast since then, in seconds since 1970, and stand."""
        query = sa.select(sa.func.count()).select_from(votes).where(votes.c.created >= since)
        with self._database.reading() as connection:
            return int(connection.execute(query).scalar_one())


def _count(connection: sa.Connection, picture: str, change: int) -> int:
    changed = (
        sa.update(pictures)
        .where(pictures.c.id == picture, pictures.c.state == "public")
        .values(votes=pictures.c.votes + change)
        .returning(pictures.c.votes)
    )
    count = connection.execute(changed).scalar()
    if count is None:
        raise MissingPicture("There is no such picture, or it is not shown any more.")
    return int(count)
