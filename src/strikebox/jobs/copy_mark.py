"""What a database says of itself while it is the target of a copy, and until somebody serves it.

Nobody serves half a copy; and only what is still a copy may be brought up to date from its source again.
"""

from dataclasses import dataclass

import sqlalchemy as sa

_marks = sa.Table(
    "copy_mark",
    sa.MetaData(),  # of its own: no part of the schema
    sa.Column("source", sa.Text, primary_key=True),
    sa.Column("finished", sa.Boolean, nullable=False),
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A copy of `source`, an address without a password."""

    source: str
    finished: bool


def read(connection: sa.Connection) -> Mark | None:
    """The mark of a database, if it is a copy that nobody served yet."""
    if not sa.inspect(connection).has_table(_marks.name):
        return None
    row = connection.execute(sa.select(_marks)).first()
    return None if row is None else Mark(row.source, row.finished)


def write(connection: sa.Connection, mark: Mark) -> None:
    """Replace the mark."""
    _marks.create(connection, checkfirst=True)
    connection.execute(sa.delete(_marks))
    connection.execute(sa.insert(_marks).values(source=mark.source, finished=mark.finished))


def drop(connection: sa.Connection) -> None:
    """The database is a site's own."""
    _marks.drop(connection, checkfirst=True)
