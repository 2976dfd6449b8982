"""Rows of two databases side by side: walked in one order, compared, made alike.

Texts are ordered byte by byte on both, whatever the language of the database.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import sqlalchemy as sa

from strikebox.jobs.database import Database

AT_ONCE = 1000  # rows in memory and in a transaction

Row = tuple[Any, ...]
OnRows = Callable[[int], None]  # how many were passed so far


@dataclass(frozen=True, slots=True)
class Digest:
    """A table as one number."""

    rows: int
    sha256: str  # of all rows in the order of their keys


@dataclass(frozen=True, slots=True)
class _Change:
    """What to do about one key: delete what is there, insert `row` if there is one."""

    key: Row
    row: Row | None
    was_there: bool


def walk(connection: sa.Connection, table: sa.Table) -> Iterator[Row]:
    """All rows in the order of their keys, a few at a time."""
    order = [_bytewise(connection, column) for column in table.primary_key]
    result = connection.execute(sa.select(table).order_by(*order), execution_options={"yield_per": AT_ONCE})
    for row in result:
        yield _plain(row)


def digest(connection: sa.Connection, table: sa.Table, on_rows: OnRows = lambda _: None) -> Digest:
    """Count and hash of a table: equal where and only where all rows are, on either kind of database."""
    total, count = hashlib.sha256(), 0
    for count, row in enumerate(walk(connection, table), start=1):
        total.update(json.dumps(row, sort_keys=True, default=bytes.hex).encode("utf-8", "surrogatepass"))
        total.update(b"\n")
        if count % AT_ONCE == 0:
            on_rows(count)
    return Digest(count, total.hexdigest())


def sync(source: sa.Connection, target: Database, table: sa.Table, on_rows: OnRows = lambda _: None) -> int:
    """Make a table of `target` what it is at `source`; how many rows were changed. Raises JobsError."""
    changed = 0
    with target.reading() as there:
        merged = _merged(walk(source, table), walk(there, table), _keys(table), on_rows)
        for chunk in _chunks(merged):
            with target.writing() as connection:
                _apply(connection, table, chunk)
            changed += len(chunk)
    return changed


def _apply(connection: sa.Connection, table: sa.Table, changes: Sequence[_Change]) -> None:
    gone = [{f"key_{i}": value for i, value in enumerate(c.key)} for c in changes if c.was_there]
    if gone:
        mine = (column == sa.bindparam(f"key_{i}") for i, column in enumerate(table.primary_key))
        connection.execute(sa.delete(table).where(*mine), gone)
    names = [column.name for column in table.columns]
    new = [dict(zip(names, change.row, strict=True)) for change in changes if change.row is not None]
    if new:
        connection.execute(sa.insert(table), new)


def _merged(
    source: Iterator[Row], target: Iterator[Row], keys: Sequence[int], on_rows: OnRows
) -> Iterator[_Change]:
    """Both walks at once, by key: what is missing, what differs, what is too many."""
    passed, here, there = 0, next(source, None), next(target, None)
    while here is not None or there is not None:
        mine, theirs = _key(here, keys), _key(there, keys)
        if here is None or (there is not None and theirs < mine):
            yield _Change(theirs, None, was_there=True)
            there = next(target, None)
            continue
        both = there is not None and mine == theirs
        if here != there:
            yield _Change(mine, here, was_there=both)
        if both:
            there = next(target, None)
        here, passed = next(source, None), passed + 1
        if passed % AT_ONCE == 0:
            on_rows(passed)


def _key(row: Row | None, keys: Sequence[int]) -> Row:
    return () if row is None else tuple(row[index] for index in keys)


def _chunks(changes: Iterator[_Change]) -> Iterator[list[_Change]]:
    while chunk := list(islice(changes, AT_ONCE)):
        yield chunk


def _keys(table: sa.Table) -> Sequence[int]:
    names = [column.name for column in table.columns]
    return [names.index(column.name) for column in table.primary_key]


def _bytewise(connection: sa.Connection, column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    if connection.dialect.name == "sqlite" or not isinstance(column.type, sa.String):
        return column
    return sa.collate(column, "C")


def _plain(row: Sequence[Any]) -> Row:
    """Bytes are bytes, whatever the driver calls them."""
    return tuple(value.tobytes() if isinstance(value, memoryview) else value for value in row)
