"""Whether a database is sound: its pages and indexes, and that rows name rows that are there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError

from strikebox.jobs import copy_mark, revisions
from strikebox.jobs.database import Database
from strikebox.jobs.schema import jobs, metadata, pictures, previews, recipes, reports, votes, words

_MOST = 10  # faults of a kind that are told one by one


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that was looked at."""

    what: str
    found: str
    sound: bool


def look(database: Database) -> Iterator[Looked]:
    """Revision, pages and indexes, references. Raises JobsError where the database cannot be read."""
    with database.reading() as connection:
        yield _revision(connection)
        yield from _integrity(connection)
        yield from (_references(connection, *reference) for reference in _REFERENCES)


_REFERENCES: Sequence[tuple[sa.Column[str], sa.Column[str]]] = (
    (pictures.c.recipe_hash, recipes.c.hash),
    (words.c.picture, pictures.c.id),
    (votes.c.picture, pictures.c.id),
    (reports.c.picture, pictures.c.id),
    (previews.c.job, jobs.c.id),
)


def _revision(connection: sa.Connection) -> Looked:
    here, ours = revisions.current(connection), revisions.newest()
    mark = copy_mark.read(connection)
    if mark is not None and not mark.finished:
        return Looked("schema", f"a copy of {mark.source} that is not finished; copy it again", False)
    if here != ours:
        return Looked("schema", f"revision {here}, ours is {ours}; run strikebox db migrate", False)
    return Looked("schema", f"revision {here}", True)


def _integrity(connection: sa.Connection) -> Iterator[Looked]:
    if connection.dialect.name == "sqlite":
        said = connection.exec_driver_sql(f"PRAGMA integrity_check({_MOST})").scalars().all()
        yield Looked("pages and indexes", "; ".join(map(str, said)), list(said) == ["ok"])
        return
    has_it = "SELECT 1 FROM pg_extension WHERE extname = 'amcheck'"
    if connection.exec_driver_sql(has_it).first() is None:
        yield Looked("pages and indexes", "not looked at: CREATE EXTENSION amcheck in this database", True)
        return
    yield _amchecked(connection)


def _amchecked(connection: sa.Connection) -> Looked:
    """Indexes hold what their tables do, and tables hold rows that can be read."""
    faults: list[str] = []
    for table in metadata.sorted_tables:
        for index in connection.execute(_INDEXES, {"name": table.name}).scalars():
            try:
                with connection.begin_nested():
                    connection.execute(_INDEX, {"index": index})
            except DBAPIError as error:
                faults.append(" ".join(str(error.orig).split()))
        broken = connection.execute(_HEAP, {"name": table.name}).all()
        faults += [f"{table.name}, block {row.blkno}: {row.msg}" for row in broken[:_MOST]]
    return Looked("pages and indexes", "; ".join(faults[:_MOST]) or "ok", not faults)


_INDEXES = sa.text("SELECT indexrelid FROM pg_index WHERE indrelid = CAST(:name AS regclass)")
_INDEX = sa.text("SELECT bt_index_check(CAST(:index AS oid)::regclass, true)")
_HEAP = sa.text("SELECT blkno, msg FROM verify_heapam(CAST(:name AS regclass))")


def _references(connection: sa.Connection, child: sa.Column[str], parent: sa.Column[str]) -> Looked:
    lost = ~sa.exists().where(parent == child)
    query = sa.select(sa.func.count(), sa.func.min(child)).where(lost)
    count, first = connection.execute(query).one()
    what = f"{child.table.name} name {parent.table.name}"
    return Looked(what, "all are there" if not count else f"{count} do not, {first} for one", not count)
