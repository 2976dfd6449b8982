"""What tests of moving share: a site with a bit of everything, and empty databases on a real server."""

from collections.abc import Callable
from pathlib import Path
from uuid import uuid4

import pytest
import sqlalchemy as sa
from databases import empty_on
from filled import fill, hang, opened, publish

from strikebox.jobs import Database
from strikebox.jobs.rows import Digest, digest
from strikebox.jobs.schema import metadata
from strikebox.site.context import Site
from strikebox.site.progress import Preview, put_preview
from strikebox.site.settings import StorageSection

SUBJECTS = ("cat", "Рыжий кот \U0001f98a", "two words", "Ёж", "Ünïcode ﬀ", "a'b\"c", "zebra", "Zebra")


def varied(folder: Path, database: str | None = None) -> Site:
    """Pictures in all states, votes, reports, jobs on their way, a preview, a key."""
    site = opened(folder, storage=StorageSection(folder=folder, database=database))
    ids = fill(site, SUBJECTS)
    hang(site, ids[0])
    publish(site, "f" * 32, "gone", maker="visitor")
    site.pictures.delete("f" * 32, "visitor")
    publish(site, "e" * 32, "withheld", state="withheld", finding="leak: a copy")
    for client in ("one", "two"):
        site.votes.cast(ids[1], client)
    site.reports.file(ids[2], "somebody", "other", "look\nat this: \u2028 ﷽")
    site.reports.take_down(ids[3], "operator", "why not")
    site.orders.place("cat", "visitor", network="n")
    waiting = site.orders.place("dog", "visitor", network="n", key="once")
    with site.database.writing() as connection:
        put_preview(connection, waiting.id, Preview(3, bytes(range(256))))
    site.api_keys.create("friend", 10)
    return site


def digests(database: Database) -> dict[str, Digest]:
    """All tables as numbers."""
    with database.reading() as connection:
        return {table.name: digest(connection, table) for table in metadata.sorted_tables}


def rows_of(database: Database, table: sa.Table) -> int:
    with database.reading() as connection:
        return int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())


@pytest.fixture
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Addresses of empty databases by kind, as many as are asked for."""

    def make(kind: str) -> str:
        if kind == "sqlite":
            return str(tmp_path / f"{uuid4().hex}.sqlite")
        return empty_on(request.getfixturevalue("server"))

    return make
