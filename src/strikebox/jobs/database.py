"""A database that can be trusted with jobs: opened, checked, brought to the newest schema.

SQLite runs in WAL mode with every commit on the disk. Writers begin with BEGIN IMMEDIATE, for a deferred
transaction that turns into a writer fails when another was faster; readers get connections that cannot write.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, final

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from strikebox.errors import JobsError
from strikebox.jobs import copy_mark, revisions

_MIGRATING = 1961  # number of the lock that processes which start together take turns by
_BUSY = 10.0  # seconds that a writer waits for another
_CORRUPTING = ((3, 7, 0), (3, 51, 2))  # resetting the WAL could lose pages: sqlite.org/wal.html#walreset


@final
class Database:
    """One address, an engine to write with and one to read with."""

    def __init__(self, url: str | Path, *, migrate: bool = True) -> None:
        """`url` as SQLAlchemy writes it (postgresql+psycopg://...), or the path of an SQLite file.

        It is brought to the newest schema unless `migrate` is False: then it is only looked at so far.
        Raises JobsError where it cannot be opened, is a copy that is not finished, or where its SQLite may
        lose data.
        """
        self._url = _parsed(url)
        if self.is_sqlite:
            self._writer, self._reader = _sqlite(self._url, write=True), _sqlite(self._url, write=False)
        else:
            self._writer = _postgresql(self._url)
            self._reader = self._writer.execution_options(
                postgresql_readonly=True, isolation_level="REPEATABLE READ"
            )
        if migrate:
            self.migrate()
            self._settle()

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

    @property
    def url(self) -> sa.URL:
        """Its address, with a password where it has one."""
        return self._url

    @property
    def revision(self) -> str | None:
        """Of its schema; None: it has none yet. Raises JobsError."""
        with self.reading() as connection:
            return revisions.current(connection)

    @contextmanager
    def writing(self) -> Generator[sa.Connection]:
        """A transaction that is kept whole or not at all. Raises JobsError where the database fails."""
        with _plain(self.name, "written"), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Generator[sa.Connection]:
        """A connection that sees one moment, its first statement's, and cannot write. Raises JobsError."""
        with _plain(self.name, "read"), self._reader.connect() as connection:
            yield connection

    def connection_of_its_own(self) -> Any:
        """A psycopg connection outside the pool, where every statement is its own transaction; close it."""
        pooled = self._writer.raw_connection()
        connection: Any = pooled.driver_connection
        pooled.detach()
        connection.rollback()
        connection.autocommit = True
        return connection

    def close(self) -> None:
        self._writer.dispose()
        self._reader.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def migrate(self) -> tuple[str | None, str]:
        """Bring it to the newest schema: its revision before and after. Raises JobsError.

        Nothing is locked where nothing is to be done: many workers may start in the same moment.
        """
        newest = revisions.newest()
        with _plain(self.name, "opened"), self._reader.connect() as connection:
            if revisions.current(connection) == newest:
                return newest, newest
        with _plain(self.name, "opened"), self._writer.begin() as connection:
            if not self.is_sqlite:  # SQLite has one writer as it is
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_MIGRATING)))
            before = revisions.current(connection)
            revisions.upgrade(connection)
            return before, newest

    def _settle(self) -> None:
        """A finished copy is a site's own from now on."""
        with self.reading() as connection:
            mark = copy_mark.read(connection)
        if mark is None:
            return
        if not mark.finished:
            raise JobsError(f"{self.name}: is a copy of {mark.source} that is not finished; copy it again")
        with self.writing() as connection:
            copy_mark.drop(connection)


# A server that is gone without a word is missed after half a minute.
_KEPT_ALIVE = {"connect_timeout": 10, "keepalives_idle": 15, "keepalives_interval": 5, "keepalives_count": 3}


def existing(url: str | Path) -> Database:
    """A database that must be there, with its schema as it is. Raises JobsError where it is not."""
    database = Database(url, migrate=False)
    if database.is_sqlite and not Path(database.name).is_file():
        raise JobsError(f"{database.name}: there is no such file; give the database of a site")
    if database.revision is None:
        raise JobsError(f"{database.name}: is no database of a site; give one that strikebox made")
    return database


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
    from pysqlite3 import dbapi2  # pyright: ignore[reportMissingTypeStubs]

    driver: Any = dbapi2
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

    def failed(context: sa.engine.ExceptionContext) -> None:
        """Connections that were opened while the disk took no writes would stay read-only for good."""
        error = context.original_exception
        context.is_disconnect = isinstance(error, driver.OperationalError) and "locked" not in str(error)

    event.listen(engine, "handle_error", failed)
    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begin)
    return engine


def _postgresql(url: sa.URL) -> sa.Engine:
    try:
        engine = sa.create_engine(url, pool_pre_ping=True, connect_args=_KEPT_ALIVE)
        event.listen(engine, "checkin", _forget_access)
        return engine
    except (NoSuchModuleError, ImportError):
        raise JobsError("PostgreSQL needs psycopg; install strikebox[postgresql]") from None


def _forget_access(connection: Any, _: object) -> None:
    """A connection that has read says READ WRITE from then on, even where the server was set to read only."""
    if connection is not None:
        connection.read_only = None


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
