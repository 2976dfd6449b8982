"""What SQLite and PostgreSQL say in different words."""

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite


def insert_once(connection: sa.Connection, table: sa.Table, values: Mapping[str, object]) -> bool:
    """Whether a row was inserted: it is, unless one with its key is there."""
    insert = sqlite.insert if connection.dialect.name == "sqlite" else postgresql.insert
    inserted = insert(table).values(**values).on_conflict_do_nothing().returning(sa.literal(1))
    return connection.execute(inserted).first() is not None


def one_writer(connection: sa.Connection, number: int) -> None:
    """Wait until no other transaction holds the lock `number`. SQLite has one writer as it is."""
    if connection.dialect.name != "sqlite":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))
