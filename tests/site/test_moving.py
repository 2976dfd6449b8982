"""A site moved to another database and another place of pictures, and back: all of it, and nothing else."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from filled import opened, publish
from moved import digests, empty, rows_of, varied
from stores import bucket, store

from strikebox.errors import JobsError
from strikebox.jobs import Database, copying
from strikebox.jobs.schema import pictures, previews, reports
from strikebox.site.context import Site
from strikebox.site.media import Folder, open_media
from strikebox.site.moving import Moved, Stores, move
from strikebox.site.settings import StorageSection

__all__ = ["bucket", "empty", "store"]

Empty = Callable[[str], str]


@pytest.fixture
def site(request: pytest.FixtureRequest, tmp_path: Path, empty: Empty) -> Iterator[Site]:
    """The source: on SQLite, unless a test asks for each kind."""
    one = varied(tmp_path / "from", empty(getattr(request, "param", "sqlite")))
    yield one
    one.close()


def moved(site: Site, target: str, stores: Stores | None = None, with_previews: bool = True) -> Moved:
    with (
        copying.source_of(site.settings.database) as here,
        copying.target_of(target, here) as there,
    ):
        return move(here, there, stores, with_previews=with_previews)


@pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True)
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_row_and_file_arrives(site: Site, empty: Empty, kind: str, tmp_path: Path) -> None:
    target, stores = empty(kind), Stores(site.media, open_media(tmp_path / "to"))
    done = moved(site, target, stores)
    assert not done.missing and done.files == done.copied == 2 * 9 + 1
    assert all(table.changed == table.digest.rows for table in done.tables if table.table != "fences")
    storage = StorageSection(folder=tmp_path / "new", database=target, pictures=str(tmp_path / "to"))
    there = opened(tmp_path / "new", storage=storage)
    assert [p.id for p in there.pictures.page().pictures] == [p.id for p in site.pictures.page().pictures]
    there.close()
    with Database(target) as database:
        assert digests(database) == digests(site.database)


@pytest.mark.parametrize("site", ["sqlite", "postgresql"], indirect=True)
def test_there_and_back_is_the_same(site: Site, empty: Empty) -> None:
    other, back = empty("postgresql" if site.database.is_sqlite else "sqlite"), empty("sqlite")
    before = digests(site.database)
    moved(site, other)
    with copying.source_of(other) as here, copying.target_of(back, here) as there:
        move(here, there, None)
    with Database(back) as database:
        assert digests(database) == before


def test_a_copy_is_brought_up_to_date_until_somebody_serves_it(site: Site, empty: Empty) -> None:
    target = empty("postgresql")
    moved(site, target)
    publish(site, "d" * 32, "new")
    site.pictures.delete("d" * 32, "nobody")
    site.votes.withdraw(f"{2:032x}", "one")
    site.queue.lease("worker")
    changed = {table.table: table.changed for table in moved(site, target).tables if table.changed}
    assert changed == {"pictures": 2, "words": 1, "votes": 1, "jobs": 1, "fences": 1}
    Database(target).close()
    with pytest.raises(JobsError, match="is not empty but a site's own"):
        moved(site, target)


def test_half_a_copy_is_not_served_and_is_gone_on_with(site: Site, empty: Empty, tmp_path: Path) -> None:
    target = empty("sqlite")

    def stop(what: str, done: int, of: int) -> None:
        if what == "votes":
            raise KeyboardInterrupt

    with copying.source_of(site.settings.database) as here, copying.target_of(target, here) as there:
        with pytest.raises(KeyboardInterrupt):
            move(here, there, None, on_progress=stop)
        assert rows_of(there, pictures) == 10
    with pytest.raises(JobsError, match="not finished; copy it again"):
        Database(target)
    other = varied(tmp_path / "other")
    with pytest.raises(JobsError, match="is not empty but a copy of"):
        moved(other, target)
    other.close()
    again = {table.table: table.changed for table in moved(site, target).tables}
    assert again["pictures"] == 0 and again["words"] > 0
    with Database(target) as database:
        assert digests(database) == digests(site.database)


def test_numbers_go_on_after_those_that_were_copied(site: Site, empty: Empty) -> None:
    target = empty("postgresql")
    moved(site, target)
    with Database(target) as database, database.writing() as connection:
        values = {"picture": "x", "client": "y", "reason": "other", "text": "", "created": 0.0}
        new = connection.execute(sa.insert(reports).values(values).returning(reports.c.id)).scalar()
        assert new == 2
        assert connection.exec_driver_sql("SELECT nextval('batches_id_seq')").scalar() == 1


def test_previews_may_stay_behind(site: Site, empty: Empty) -> None:
    target = empty("sqlite")
    moved(site, target, with_previews=False)
    with Database(target) as database:
        assert (rows_of(database, previews), rows_of(site.database, previews)) == (0, 1)


def test_what_comes_while_it_is_copied_comes_with_it(site: Site, empty: Empty, tmp_path: Path) -> None:
    target, stores = empty("postgresql"), Stores(site.media, open_media(tmp_path / "to"))
    new = iter("0123456789abcdef")

    def publish_one(what: str, done: int, of: int) -> None:
        if what == "files" and done % 5 == 0:
            publish(site, next(new) * 32, "in the middle")

    with copying.source_of(site.settings.database) as here, copying.target_of(target, here) as there:
        done = move(here, there, stores, on_progress=publish_one)
        assert rows_of(there, pictures) == rows_of(site.database, pictures) > 10
    assert not done.missing and done.files == 2 * (rows_of(site.database, pictures) - 1) + 1


def test_a_missing_file_is_named_and_the_copy_is_not_finished(
    site: Site, empty: Empty, tmp_path: Path
) -> None:
    target, stores = empty("sqlite"), Stores(site.media, open_media(tmp_path / "to"))
    lost = site.pictures.public(f"{5:032x}").thumbnail
    data = site.media.read(lost)
    site.media.delete(lost)
    done = moved(site, target, stores)
    assert len(done.missing) == 1 and lost in done.missing[0]
    with pytest.raises(JobsError, match="not finished"):
        Database(target)
    site.media.put(data, "webp")
    assert not moved(site, target, stores).missing


def test_a_damaged_file_at_the_target_is_brought_again(site: Site, empty: Empty, tmp_path: Path) -> None:
    target, there = empty("sqlite"), Folder(tmp_path / "to")
    moved(site, target, Stores(site.media, there))
    name = site.pictures.public(f"{5:032x}").file
    there.path(name).write_bytes(b"half a pic")
    assert not moved(site, target, Stores(site.media, there)).missing
    assert there.read(name) == site.media.read(name)


def test_pictures_move_to_s3_and_back(site: Site, empty: Empty, bucket: str, tmp_path: Path) -> None:
    on_s3, back = open_media(bucket), open_media(tmp_path / "back")
    assert not moved(site, empty("sqlite"), Stores(site.media, on_s3)).missing
    done = moved(site, empty("sqlite"), Stores(on_s3, back))
    assert not done.missing and done.files == 19


def test_only_sites_are_copied_and_only_to_what_is_empty(site: Site, empty: Empty, tmp_path: Path) -> None:
    for source, why in (
        (str(tmp_path / "none.sqlite"), "no such file"),
        (empty("postgresql"), "no database"),
    ):
        with pytest.raises(JobsError, match=why):
            copying.source_of(source)
    with copying.source_of(site.settings.database) as here:
        with pytest.raises(JobsError, match="to itself"):
            copying.target_of(site.settings.database, here)
        foreign = empty("postgresql")
        with Database(foreign, migrate=False) as other, other.writing() as connection:
            connection.exec_driver_sql("CREATE TABLE somebody_elses (id int)")
        with pytest.raises(JobsError, match="not empty"):
            copying.target_of(foreign, here)
