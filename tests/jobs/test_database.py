"""Opening databases: versions that lose data, wrong addresses, schema and migrations, who may write."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from strikebox.errors import JobsError
from strikebox.jobs import Database
from strikebox.jobs.database import check_sqlite
from strikebox.jobs.schema import fences, jobs, metadata


def test_migrations_lead_to_the_schema(database: Database) -> None:
    with database.writing() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_opening_again_changes_nothing(database: Database, open_database: Callable[[], Database]) -> None:
    with open_database().reading() as connection:
        assert connection.execute(sa.select(fences.c.last)).scalars().all() == [0]


def test_many_may_open_an_empty_database_at_once(address: str) -> None:
    failed: list[Exception] = []

    def open_it() -> None:
        try:
            Database(address).close()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_readers_cannot_write(database: Database) -> None:
    with pytest.raises(JobsError), database.reading() as connection:
        connection.execute(sa.delete(jobs))


def test_readers_see_one_moment(database: Database) -> None:
    last = sa.select(fences.c.last)
    with database.reading() as connection:
        before = connection.execute(last).scalar()
        with database.writing() as other:
            other.execute(sa.update(fences).values(last=7))
        assert connection.execute(last).scalar() == before
    with database.reading() as connection:
        assert connection.execute(last).scalar() == 7


def test_what_fails_is_undone_whole(database: Database) -> None:
    with pytest.raises(ZeroDivisionError), database.writing() as connection:
        connection.execute(sa.update(fences).values(last=7))
        raise ZeroDivisionError
    with database.reading() as connection:
        assert connection.execute(sa.select(fences.c.last)).scalar() == 0


def test_the_clock_is_the_databases(database: Database) -> None:
    with database.reading() as connection:
        assert connection.execute(sa.select(database.now)).scalar() == pytest.approx(time.time(), abs=5)


@pytest.mark.parametrize("version", [(3, 7, 0), (3, 40, 1), (3, 51, 2)])
def test_an_sqlite_that_loses_data_is_refused(version: tuple[int, int, int]) -> None:
    with pytest.raises(JobsError, match="install pysqlite3"):
        check_sqlite(version)


def test_the_sqlite_that_is_used_is_sound(tmp_path: Path) -> None:
    check_sqlite((3, 51, 3))
    with Database(tmp_path / "a.sqlite") as database, database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2  # FULL


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("mysql://nowhere/jobs", "neither SQLite nor PostgreSQL"),
        ("://", "no address of a database"),
        ("postgresql://nobody@127.0.0.1:1/jobs", "cannot be opened"),
        ("/nowhere/at/all/jobs.sqlite", "cannot be opened"),
    ],
)
def test_a_wrong_address_is_one_line(url: str, reason: str) -> None:
    with pytest.raises(JobsError, match=reason) as error:
        Database(url)
    assert "\n" not in str(error.value)


def test_a_password_is_not_shown() -> None:
    with pytest.raises(JobsError) as error:
        Database("postgresql://someone:secret@127.0.0.1:1/jobs")
    assert "secret" not in str(error.value)


def test_a_file_that_is_no_database_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("not a database, however much it is asked\n" * 100)
    with pytest.raises(JobsError, match="cannot be opened"):
        Database(path)
    assert path.read_text().startswith("not a database")
