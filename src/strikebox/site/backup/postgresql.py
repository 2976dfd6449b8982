"""Rows of a PostgreSQL database, copied by pg_dump and put back by pg_restore, which must be on the PATH."""

import os
import shutil
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from strikebox.errors import JobsError
from strikebox.site.backup import rows
from strikebox.site.backup.rows import Facts

SUFFIX = ".dump"
_CLOCK = "extract(epoch FROM clock_timestamp())"


def copy(database: str, into: Path, names: Path) -> tuple[Facts, int]:
    """Copy the rows to `into`, and the names of their files to `names`; how many names.

    Both see the same moment, and writers go on meanwhile. Raises JobsError or StoreError.
    """
    url = _url(database)
    with _opened(url) as connection:
        connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        cursor = connection.cursor()
        found = rows.facts(cursor, _CLOCK)
        snapshot = connection.execute("SELECT pg_export_snapshot()").fetchone()[0]
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--snapshot={snapshot}"]
        _run(["pg_dump", *options, f"--file={into}"], url)
        return found, rows.write_names(cursor, names)


def refuse_rows(database: str) -> None:
    """Raises JobsError where the database holds tables already, or cannot be reached."""
    url = _url(database)
    with _opened(url) as connection:
        query = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        if connection.execute(query).fetchone()[0]:
            raise JobsError(f"{_plain(url)}: holds tables already; restore into an empty database")


def restore(copy: Path, database: str) -> Mapping[str, int]:
    """Put the rows of `copy` into the empty database, all or none; rows by table. Raises JobsError."""
    url = _url(database)
    options = ["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]
    _run(["pg_restore", *options, str(copy)], url)
    with _opened(url) as connection:
        return rows.counts(connection.cursor())


def _run(command: Sequence[str], url: sa.URL) -> None:
    """The password goes by the environment, where other users do not see it."""
    program = shutil.which(command[0])
    if program is None:
        raise JobsError(f"{command[0]} is not on the PATH; install PostgreSQL's client programs")
    password = {} if url.password is None else {"PGPASSWORD": str(url.password)}
    words = [program, *command[1:], f"--dbname={_plain(url)}"]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **password})
    if done.returncode != 0:
        said = " ".join(done.stderr.split())[:300]
        raise JobsError(f"{_plain(url)}: {command[0]} failed ({said}); see that it fits the server")


@contextmanager
def _opened(url: sa.URL) -> Generator[Any]:
    try:
        import psycopg
    except ImportError:
        raise JobsError("PostgreSQL needs psycopg; install strikebox[postgresql]") from None
    address = url.set(drivername="postgresql").render_as_string(hide_password=False)
    try:
        with closing(psycopg.connect(address, autocommit=True)) as connection:
            yield connection
    except psycopg.Error as error:
        reason = " ".join(str(error).split())
        raise JobsError(f"{_plain(url)}: cannot be read ({reason}); see that it is there") from None


def _url(database: str) -> sa.URL:
    return sa.make_url(database)


def _plain(url: sa.URL) -> str:
    """As PostgreSQL's programs read it, without the password."""
    bare = sa.URL.create("postgresql", url.username, None, url.host, url.port, url.database, url.query)
    return bare.render_as_string()
