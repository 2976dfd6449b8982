"""How databases find what pages and housekeeping ask for: by an index, never by reading a table.

Twenty thousand pictures; a million with STRIKEBOX_FAULTS=full.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from databases import empty_on
from opened import settings_in
from sqlalchemy import event

from strikebox.jobs.schema import batches, estimates, jobs, orders, pictures, reservations, votes, words
from strikebox.site import retention
from strikebox.site.context import Site, open_site

COUNT = 1_000_000 if os.environ.get("STRIKEBOX_FAULTS") == "full" else 20_000
BIG = (pictures, words, votes, jobs, orders, reservations, estimates, batches)

Ask = Callable[[Site], object]


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def crowded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with many rows in each big table."""
    folder: Path = tmp_path_factory.mktemp("crowded")
    address = None if request.param == "sqlite" else empty_on(request.getfixturevalue("server"))
    site = open_site(settings_in(folder, address))
    with site.database.writing() as connection:
        for table in BIG:
            _fill(site, connection, table)
    if not site.database.is_sqlite:  # which does so by itself, a little later; SQLite never does
        with site.database.writing() as connection:
            connection.exec_driver_sql("ANALYZE")
    yield site
    site.close()


def _fill(site: Site, connection: sa.Connection, table: sa.Table) -> None:
    number = sa.select(sa.literal(1).label("i")).cte("n", recursive=True)
    number = number.union_all(sa.select(number.c.i + 1).where(number.c.i < COUNT))
    i = number.c.i
    id = sa.cast(i + 1_000_000_000, sa.String)
    client = sa.literal("client ") + sa.cast(i % 500, sa.String)
    age = site.database.now - i * 1.0
    word = sa.case((i % 10 == 0, sa.literal("cat") + id), else_=sa.literal("w") + id)
    known: dict[str, Any] = {
        **{"id": id, "job": id, "picture": id, "file": id + ".png", "thumbnail": id + ".webp", "word": word},
        **{"created": age, "finished": age, "settled": age, "actual": 2.0, "votes": i % 50},
        **{"client": client, "maker": client, "day": "2026-11-24"},
        **{"recipe_hash": site.recipe.hash, "batch": site.recipe.hash},
        "state": "done" if table is jobs else "public",
    }
    if table is batches:
        del known["id"]
    columns = [
        c for c in table.columns if c.name in known or not (c.nullable or c.server_default is not None)
    ]
    columns = [c for c in columns if not (c.name == "id" and "id" not in known)]
    values = [sa.cast(known[c.name], c.type) if c.name in known else _any(c) for c in columns]
    chosen = sa.select(*(value.label(c.name) for c, value in zip(columns, values, strict=True)))
    connection.execute(sa.insert(table).from_select(columns, chosen.select_from(number)))


def _any(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    if isinstance(column.type, sa.JSON):
        return sa.literal({} if column.table is jobs else [], sa.JSON)
    return sa.literal("x") if isinstance(column.type, sa.String) else sa.cast(1, column.type)


@contextmanager
def caught(site: Site) -> Iterator[list[tuple[str, Any]]]:
    """Statements that the site sends within, with their parameters."""
    said: list[tuple[str, Any]] = []

    def note(_c: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if statement.split()[0] in ("SELECT", "UPDATE", "DELETE", "WITH"):
            said.append((statement, parameters[0] if many else parameters))

    event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(sa.Engine, "before_cursor_execute", note)


def scanned(site: Site, statement: str, parameters: Any) -> list[str]:
    """Lines of a statement's plan that read a whole big table."""
    word = "EXPLAIN QUERY PLAN" if site.database.is_sqlite else "EXPLAIN"
    with site.database.writing() as connection:
        plan = [str(row[-1]) for row in connection.exec_driver_sql(f"{word} {statement}", parameters)]
    if site.database.is_sqlite:
        lines = [line for line in plan if line.startswith("SCAN") and " USING " not in line]
    else:
        lines = [line for line in plan if "Seq Scan on" in line]
    return [line for line in lines if any(table.name in line.split() for table in BIG)]


def middle(site: Site) -> str:
    return str(1_000_000_000 + COUNT // 2)


ASKED: dict[str, Ask] = {
    **{
        f"gallery, {sort}": lambda site, sort=sort: site.pictures.page(
            sort, after=site.pictures.page(sort, most=50).after
        )
        for sort in ("newest", "week", "month", "ever", "hall")
    },
    "search, many": lambda site: site.pictures.page(words="cat"),
    "search, one": lambda site: site.pictures.page(words=f"w{int(middle(site)) + 1}"),
    "a picture": lambda site: site.pictures.find(middle(site)),
    "my pictures": lambda site: site.pictures.of_maker("client 7"),
    "withheld": lambda site: site.pictures.in_state("withheld"),
    "files": lambda site: site.pictures.needed([f"{middle(site)}.png", "another.png"]),
    "a vote": lambda site: site.votes.cast(middle(site), "client 7"),
    "an order": lambda site: site.orders.place("cat", "client 7", network="n"),
    "progress": lambda site: site.progress.of(middle(site)),
    "work": lambda site: site.queue.has_work(),
    "a lease": lambda site: site.queue.lease("worker", 4),
    "the hall": lambda site: site.hall.queue_missing(),
    "money": lambda site: site.budget.settle_ended(),
    "retention": retention.keep,
}


@pytest.mark.parametrize("what", ASKED)
def test_no_table_is_read_as_a_whole(crowded: Site, what: str) -> None:
    with caught(crowded) as said:
        ASKED[what](crowded)
    assert said
    found = {line: statement for statement, given in said for line in scanned(crowded, statement, given)}
    assert not found
