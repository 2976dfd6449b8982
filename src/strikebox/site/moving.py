"""A site, from one database and place of pictures to others, while it is served.

Files come before the rows that name them: a first pass takes the many, then, of the moment whose rows are
copied, those that were new meanwhile. In the end every row is compared and every file read and hashed.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

import sqlalchemy as sa

from strikebox.errors import StoreError
from strikebox.jobs import Database, copying
from strikebox.jobs.copying import Copied
from strikebox.jobs.schema import pictures
from strikebox.site.media import Media

_HANDS = 8  # files in the air; each is in memory as a whole
_AT_ONCE = 1000  # rows in memory

T = TypeVar("T")
R = TypeVar("R")
OnProgress = Callable[[str, int, int], None]  # what is done, how many, of how many


@dataclass(frozen=True, slots=True)
class Stores:
    """Where the files are and where they go."""

    source: Media
    target: Media


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """What a move did. Nothing is `missing` where all is well."""

    tables: Sequence[Copied]
    files: int = 0  # that pictures name, all of them verified
    copied: int = 0  # of them, by this move
    missing: Sequence[str] = field(default_factory=list[str])  # why each cannot be had from the source


def move(
    source: Database,
    target: Database,
    stores: Stores | None,
    *,
    with_previews: bool = True,
    on_progress: OnProgress = lambda what, done, of: None,
) -> Moved:
    """Copy all of a site; `target` as copying.target_of gives it. Doing so again takes what is new.

    Raises JobsError or StoreError; what was copied so far stays, and need not be copied again.
    """
    copied = 0
    if stores is not None:
        with source.reading() as early:
            copied = _bring(early, stores, "files", on_progress)
    files, faults = 0, list[str]()
    with source.reading() as snapshot:
        if stores is not None:
            copied += _bring(snapshot, stores, "files that are new", on_progress)
        tables = copying.copy(snapshot, target, with_previews=with_previews, on_table=on_progress)
        if stores is not None:
            files, faults = _verify(snapshot, stores, on_progress)
    if not faults:
        copying.finish(source, target)
    return Moved(tables=tables, files=files, copied=copied, missing=faults)


def names(connection: sa.Connection) -> Iterator[str]:
    """Names of the files that pictures need, a few at a time; two pictures may name the same."""
    columns = (pictures.c.file, pictures.c.thumbnail, pictures.c.enlarged)
    query = sa.select(*columns).where(pictures.c.state != "deleted")
    for row in connection.execute(query, execution_options={"yield_per": _AT_ONCE}):
        yield from (name for name in row if name)


def count_names(connection: sa.Connection) -> int:
    """How many `names` there are."""
    counted = (sa.func.count(c) for c in (pictures.c.file, pictures.c.thumbnail, pictures.c.enlarged))
    return sum(connection.execute(sa.select(*counted).where(pictures.c.state != "deleted")).one())


def fault_of(media: Media, name: str) -> str | None:
    """What is wrong with a file; None: it is there, and what its name says."""
    try:
        media.read(name)
    except StoreError as error:
        return str(error)
    return None


def in_order(work: Callable[[T], R], items: Iterable[T]) -> Iterator[tuple[T, R]]:
    """`work` done by several threads; each item with its result, in order, few in memory."""
    waiting: deque[tuple[T, Future[R]]] = deque()
    with ThreadPoolExecutor(_HANDS) as hands:
        for item in items:
            waiting.append((item, hands.submit(work, item)))
            if len(waiting) > 2 * _HANDS:
                done, result = waiting.popleft()
                yield done, result.result()
        for done, result in waiting:
            yield done, result.result()


def _bring(snapshot: sa.Connection, stores: Stores, what: str, on_progress: OnProgress) -> int:
    """Copy the files that the target lacks; how many. What the source lacks, too, is told by _verify."""
    total, brought = count_names(snapshot), 0

    def bring(name: str) -> bool:
        return not stores.target.has(name) and _carry(stores, name)

    for done, (_, copied) in enumerate(in_order(bring, names(snapshot)), start=1):
        brought += copied
        on_progress(what, done, total)
    return brought


def _carry(stores: Stores, name: str) -> bool:
    """Whether one file could be had and was written."""
    try:
        data = stores.source.read(name)
    except StoreError:
        return False
    stores.target.put(data, name.rpartition(".")[2])
    return True


def _verify(snapshot: sa.Connection, stores: Stores, on_progress: OnProgress) -> tuple[int, list[str]]:
    """Read and hash every file at the target; one that is damaged there is brought once more."""
    total, faults, done = count_names(snapshot), list[str](), 0

    def verify(name: str) -> str | None:
        if fault_of(stores.target, name) is None:
            return None
        stores.target.delete(name)
        if not _carry(stores, name):
            return fault_of(stores.source, name)
        return fault_of(stores.target, name)

    for done, (_, fault) in enumerate(in_order(verify, names(snapshot)), start=1):
        if fault is not None:
            faults.append(fault)
        on_progress("verifying", done, total)
    return done, faults
