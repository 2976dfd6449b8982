"""A site's tables, from one database to another of either kind.

The target is marked as a copy before the first row and until somebody serves it. A copy that was broken off,
or whose source went on, is brought up to date by copying again: only what differs is written.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from strikebox.errors import JobsError
from strikebox.jobs import copy_mark, revisions, rows
from strikebox.jobs.copy_mark import Mark
from strikebox.jobs.database import Database, existing
from strikebox.jobs.rows import Digest
from strikebox.jobs.schema import fences, metadata, previews

OnTable = Callable[[str, int, int], None]  # table, rows that were passed, rows in all


@dataclass(frozen=True, slots=True)
class Copied:
    """One table that is now the same on both."""

    table: str
    changed: int  # rows that this copy wrote or deleted
    digest: Digest


def source_of(url: str) -> Database:
    """The database to copy from. Raises JobsError where it is missing, or of another schema than ours."""
    source = existing(url)
    if source.revision != revisions.newest():
        raise JobsError(f"{source.name}: has an older schema; run strikebox db migrate {source.name} first")
    return source


def target_of(url: str, source: Database) -> Database:
    """The database to copy to, marked as a copy that is not finished.

    Raises JobsError unless it is empty or a copy of the same source that nobody served yet.
    """
    target = Database(url, migrate=False)
    if target.url == source.url:
        raise JobsError(f"{target.name}: cannot be copied to itself; give another database")
    with target.reading() as connection:
        mark, filled = copy_mark.read(connection), _holds_anything(connection)
    if filled and (mark is None or mark.source != source.name):
        whose = "a site's own" if mark is None else f"a copy of {mark.source}"
        raise JobsError(f"{target.name}: is not empty but {whose}; give an empty database")
    target.migrate()
    with target.writing() as connection:
        copy_mark.write(connection, Mark(source.name, finished=False))
    return target


def copy(
    snapshot: sa.Connection, target: Database, *, with_previews: bool = True, on_table: OnTable
) -> Sequence[Copied]:
    """Make the tables of `target` what they are in a snapshot of the source, and compare every row.

    Raises JobsError where a database fails, or where a table is not the same in the end.
    """
    tables = [table for table in metadata.sorted_tables if with_previews or table is not previews]
    counts = {table.name: _count(snapshot, table) for table in tables}
    copied = [_copy(snapshot, target, table, counts, on_table) for table in tables]
    with target.writing() as connection:
        _continue_numbers(connection, tables)
    return copied


def finish(source: Database, target: Database) -> None:
    """The target may be served."""
    with target.writing() as connection:
        copy_mark.write(connection, Mark(source.name, finished=True))


def _copy(
    snapshot: sa.Connection, target: Database, table: sa.Table, counts: Mapping[str, int], tell: OnTable
) -> Copied:
    count = counts[table.name]
    changed = rows.sync(snapshot, target, table, lambda done: tell(table.name, done, count))
    tell(table.name, count, count)
    here = rows.digest(snapshot, table)
    with target.reading() as connection:
        there = rows.digest(connection, table)
    if here != there:
        raise JobsError(
            f"{target.name}: table {table.name} has {there.rows} rows that differ from {here.rows} of the "
            "source; see that nobody else writes there and copy again"
        )
    return Copied(table.name, changed, here)


def _holds_anything(connection: sa.Connection) -> bool:
    """Whether there are tables; one fence and nothing else is what an opened but unused database holds."""
    there = set(sa.inspect(connection).get_table_names())
    ours = [table for table in metadata.sorted_tables if table.name in there and table is not fences]
    if there - {table.name for table in metadata.sorted_tables} - {"alembic_version", "copy_mark"}:
        return True
    return any(connection.execute(sa.select(sa.literal(1)).select_from(t).limit(1)).first() for t in ours)


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


def _continue_numbers(connection: sa.Connection, tables: Sequence[sa.Table]) -> None:
    """PostgreSQL counts keys of its own; the next one comes after those that were copied."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        column = table.autoincrement_column
        if column is None or column.foreign_keys:
            continue
        sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
        last = sa.select(sa.func.max(column)).scalar_subquery()
        set_it = sa.func.setval(sequence, sa.func.coalesce(last, 1), last.is_not(None))
        connection.execute(sa.select(set_it))
