"""Real databases: an SQLite file, and a PostgreSQL server of our own on a socket in a temporary folder."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from strikebox.jobs import Database

_PLACES = (*sorted(Path("/usr/lib/postgresql").glob("*/bin")), Path("/usr/local/bin"), Path("/usr/bin"))
_OWNER = "postgres" if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root


def _program(name: str) -> str | None:
    found = (str(place / name) for place in _PLACES if (place / name).exists())
    return shutil.which(name) or next(found, None)


@pytest.fixture(scope="session")
def server() -> Iterator[Path]:
    """The folder of a server's socket; the server is gone after the tests."""
    yield from serve()


def serve() -> Iterator[Path]:
    """The same without pytest."""
    initdb, pg_ctl = _program("initdb"), _program("pg_ctl")
    if initdb is None or pg_ctl is None:
        pytest.skip("PostgreSQL is not installed: apt install postgresql")
    with TemporaryDirectory(prefix="pg-") as folder:
        if _OWNER is not None:
            shutil.chown(folder, _OWNER)
        data, options = f"{folder}/data", f"-k {folder} -c listen_addresses='' -c fsync=off"
        for words in (
            [initdb, "-D", data, "-U", "strikebox", "-A", "trust", "--no-sync"],
            [pg_ctl, "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start"],
        ):
            subprocess.run(words, check=True, capture_output=True, user=_OWNER, cwd=folder)
        yield Path(folder)
        subprocess.run(
            [pg_ctl, "-D", data, "-m", "immediate", "stop"], capture_output=True, user=_OWNER, cwd="/"
        )


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The address of an empty database, on each kind."""
    if request.param == "sqlite":
        return str(tmp_path / "jobs.sqlite")
    return empty_on(request.getfixturevalue("server"))


def empty_on(folder: Path) -> str:
    """The address of a new database on the server of a folder."""
    name = f"jobs_{uuid4().hex}"
    psql = _program("psql")
    assert psql is not None
    create = [psql, "-h", str(folder), "-U", "strikebox", "-d", "postgres", "-c", f"CREATE DATABASE {name}"]
    subprocess.run(create, check=True, capture_output=True)
    return f"postgresql://strikebox@/{name}?host={folder}"


@pytest.fixture
def open_database(address: str) -> Iterator[Callable[[], Database]]:
    """Opens the same database again and again."""
    opened: list[Database] = []

    def open_one() -> Database:
        opened.append(Database(address))
        return opened[-1]

    yield open_one
    for database in opened:
        database.close()


@pytest.fixture
def database(open_database: Callable[[], Database]) -> Database:
    return open_database()
