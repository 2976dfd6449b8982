"""What SQLite and PostgreSQL say in different words."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

_PATIENCE = "10s"  # as long as SQLite waits: jobs/database.py


def insert_once(connection: sa.Connection, table: sa.Table, values: Mapping[str, object]) -> bool:
    """Whether a row was inserted: it is, unless one with its key is there."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    inserted = insert(table).values(**values).on_conflict_do_nothing().returning(sa.literal(1))
    return connection.execute(inserted).first() is not None


def count_up(connection: sa.Connection, table: sa.Table, column: str, values: Mapping[str, object]) -> None:
    """Add 1 to `column` of the row with the key of `values`; the row begins with 1."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    key = [one.name for one in table.primary_key]
    row = insert(table).values({**values, column: 1})
    connection.execute(row.on_conflict_do_update(index_elements=key, set_={column: table.c[column] + 1}))


def one_writer(connection: sa.Connection, number: int) -> None:
    """Wait until no other transaction holds the lock `number`. SQLite has one writer as it is.

    On both a writer waits for ten seconds at most, so that one that hangs does not stop them all for good.
    """
    if connection.dialect.name != "sqlite":
        patience = sa.func.set_config("lock_timeout", _PATIENCE, sa.true())
        connection.execute(sa.select(patience, sa.func.pg_advisory_xact_lock(number)))
