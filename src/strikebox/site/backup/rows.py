"""What is asked of the rows of a moment, in words that both databases know."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strikebox import files
from strikebox.jobs.schema import metadata

_NAMES = " UNION ".join(
    f"SELECT {column} AS name FROM pictures WHERE state <> 'deleted' AND {column} <> ''"
    for column in ("file", "thumbnail", "enlarged")
)
# Where a time says when something happened; rows of other tables are written together with these.
_TIMES = (
    *(("jobs", column) for column in ("created", "started", "finished")),
    *((table, "created") for table in ("pictures", "orders", "votes", "reports", "api_keys")),
    ("audit", "at"),
    ("batches", "finished"),
)
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a copy of the rows is."""

    taken: float  # seconds since 1970, UTC, by the database's clock
    last_row: float | None
    rows: Mapping[str, int]


def facts(cursor: Any, clock: str) -> Facts:
    """Of the moment that a DB-API `cursor` sees. `clock` is SQL for seconds since 1970."""
    cursor.execute(f"SELECT {clock}")
    taken = float(cursor.fetchone()[0])
    latest = [_one(cursor, f"SELECT max({column}) FROM {table}") for table, column in _TIMES]
    known = [float(time) for time in latest if time is not None]
    return Facts(taken=taken, last_row=max(known, default=None), rows=counts(cursor))


def counts(cursor: Any) -> Mapping[str, int]:
    """Rows by table."""
    return {name: int(_one(cursor, f"SELECT count(*) FROM {name}")) for name in sorted(metadata.tables)}


def write_names(cursor: Any, path: Path) -> int:
    """Put the names of the files that pictures need into `path`, sorted, one a line; how many."""
    number = 0
    with files.plain_errors("write", path), path.open("w", encoding="ascii") as lines:
        for name in _names(cursor):
            lines.write(f"{name}\n")
            number += 1
    return number


def read_names(path: Path) -> Iterator[str]:
    """One at a time. Raises StoreError."""
    with files.plain_errors("read", path), path.open(encoding="ascii") as lines:
        for line in lines:
            yield line.rstrip("\n")


def _names(cursor: Any) -> Iterator[str]:
    cursor.execute(f"SELECT name FROM ({_NAMES}) AS named ORDER BY name COLLATE {_bytewise(cursor)}")
    while found := cursor.fetchmany(_AT_ONCE):
        yield from (row[0] for row in found)


def _bytewise(cursor: Any) -> str:
    return '"C"' if type(cursor).__module__.startswith("psycopg") else "BINARY"


def _one(cursor: Any, query: str) -> Any:
    cursor.execute(query)
    return cursor.fetchone()[0]
