"""Rows of an SQLite file, copied by SQLite's own online backup: writers go on meanwhile."""

import shutil
from collections.abc import Generator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from strikebox import files
from strikebox.errors import JobsError
from strikebox.site.backup import rows
from strikebox.site.backup.rows import Facts

SUFFIX = ".sqlite"
_CLOCK = "(julianday('now') - 2440587.5) * 86400.0"


def copy(database: str, into: Path, names: Path) -> tuple[Facts, int]:
    """Copy the rows to `into`, and the names of their files to `names`; how many names.

    Raises JobsError where the database cannot be read or is damaged, StoreError where the disk is full.
    """
    if not Path(database).is_file():
        raise JobsError(f"{database}: there is no such database; name the site's configuration by --config")
    with _plain(database), closing(_open(database)) as site, closing(_open(str(into))) as target:
        site.backup(target)
        target.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
        found = target.execute("PRAGMA quick_check(1)").fetchone()[0]
        if found != "ok":
            raise JobsError(f"{database}: is damaged ({found}); restore it from an earlier backup")
        cursor = target.cursor()
        return rows.facts(cursor, _CLOCK), rows.write_names(cursor, names)


def refuse_rows(database: str) -> None:
    """Raises JobsError where there is a database already."""
    if Path(database).exists():
        raise JobsError(f"{database}: is there already; restore into a folder that holds no site")


def restore(copy: Path, database: str) -> Mapping[str, int]:
    """Put the rows of `copy` in place, whole or not at all; rows by table. Raises JobsError or StoreError."""
    path = Path(database)
    unfinished = path.with_name(f".{path.name}.part")
    files.make_folder(path.parent)
    with files.plain_errors("write", path):
        shutil.copyfile(copy, unfinished)
        files.sync(unfinished)
        unfinished.replace(path)
        files.sync(path.parent)
    with _plain(database), closing(_open(database)) as opened:
        return rows.counts(opened.cursor())


def _open(path: str) -> Any:
    return _driver().connect(path, timeout=30, isolation_level=None)


@contextmanager
def _plain(database: str) -> Generator[None]:
    try:
        yield
    except _driver().Error as error:
        raise JobsError(
            f"{database}: cannot be copied ({error}); see that it is sound and the disk has room"
        ) from None


def _driver() -> Any:
    """It has no types."""
    from pysqlite3 import dbapi2  # pyright: ignore[reportMissingTypeStubs]

    return dbapi2
