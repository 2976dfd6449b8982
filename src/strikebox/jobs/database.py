"""A database that can be trusted with jobs: opened, checked, brought to the newest schema.

SQLite runs in WAL mode with every commit on the disk. Writers begin with BEGIN IMMEDIATE, for a deferred
transaction that turns into a writer fails when another was faster; readers get connections that cannot write.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from strikebox.errors import JobsError

_MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATING = 1961  # number of the lock that processes which start together take turns by
_BUSY = 10.0  # seconds that a writer waits for another
_CORRUPTING = ((3, 7, 0), (3, 51, 2))  # resetting the WAL could lose pages: sqlite.org/wal.html#walreset


@final
class Database:
    """One address, an engine to write with and one to read with."""

    def __init__(self, url: str | Path) -> None:
        """`url` as SQLAlchemy writes it (postgresql+psycopg://...), or the path of an SQLite file.

        Raises JobsError where it cannot be opened, or where its SQLite may lose data.
        """
        self._url = _parsed(url)
        if self.is_sqlite:
            self._writer, self._reader = _sqlite(self._url, write=True), _sqlite(self._url, write=False)
        else:
            self._writer = _postgresql(self._url)
            self._reader = self._writer.execution_options(postgresql_readonly=True)
        with _plain(self.name, "opened"):
            self._migrate()

    @property
    def is_sqlite(self) -> bool:
        return self._url.get_backend_name() == "sqlite"

    @property
    def name(self) -> str:
        """Its address, without a password."""
        return self._url.database or "" if self.is_sqlite else self._url.render_as_string()

    @property
    def now(self) -> sa.ColumnElement[float]:
        """Its clock, seconds since 1970: the one clock that all workers share."""
        if self.is_sqlite:
            return sa.literal_column("((julianday('now') - 2440587.5) * 86400.0)", sa.Double)
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)

    @contextmanager
    def writing(self) -> Generator[sa.Connection]:
        """A transaction that is kept whole or not at all. Raises JobsError where the database fails."""
        with _plain(self.name, "written"), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Generator[sa.Connection]:
        """A connection that sees one moment and cannot write. Raises JobsError where the database fails."""
        with _plain(self.name, "read"), self._reader.connect() as connection:
            yield connection

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _migrate(self) -> None:
        config = Config()
        config.set_main_option("script_location", str(_MIGRATIONS))
        with self._writer.begin() as connection:
            if not self.is_sqlite:  # SQLite has one writer as it is
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def _parsed(url: str | Path) -> sa.URL:
    if isinstance(url, Path) or "://" not in url:
        return sa.URL.create("sqlite", database=str(Path(url).expanduser().resolve()))
    try:
        parsed = sa.make_url(url)
    except ArgumentError:
        raise JobsError(f"{url!r} is no address of a database; give a file, or postgresql://...") from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise JobsError(f"{parsed.render_as_string()}: is neither SQLite nor PostgreSQL; give one of the two")
    return parsed.set(drivername="postgresql+psycopg") if parsed.drivername == "postgresql" else parsed


def check_sqlite(version: tuple[int, ...]) -> None:
    """Raises JobsError where this version of SQLite can corrupt a database in WAL mode."""
    first, last = _CORRUPTING
    if first <= version <= last:
        number = ".".join(map(str, version))
        raise JobsError(
            f"SQLite {number} can lose data in WAL mode; install pysqlite3, which brings a later one"
        )


def _sqlite(url: sa.URL, *, write: bool) -> sa.Engine:
    from pysqlite3 import dbapi2 as driver  # pyright: ignore[reportMissingTypeStubs]

    check_sqlite(driver.sqlite_version_info)
    # Transactions are begun below, as they must be; the driver's own habits are turned off.
    engine = sa.create_engine(
        url,
        module=driver,
        connect_args={"timeout": _BUSY, "isolation_level": None, "check_same_thread": False},
    )

    def connected(connection: Any, _: object) -> None:
        pragmas = (
            ["journal_mode = WAL", "synchronous = FULL", "foreign_keys = ON"]
            if write
            else ["query_only = ON"]
        )
        for pragma in pragmas:
            connection.execute(f"PRAGMA {pragma}")

    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begin)
    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    try:
        return sa.create_engine(url, pool_pre_ping=True)
    except (NoSuchModuleError, ImportError):
        raise JobsError("PostgreSQL needs psycopg; install strikebox[postgresql]") from None


@contextmanager
def _plain(name: str, done: str) -> Generator[None]:
    """The database's own errors as one line."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = " ".join(str(getattr(error, "orig", None) or error).split())
        raise JobsError(
            f"{name}: cannot be {done} ({reason}); see that it is there, sound and free"
        ) from error
