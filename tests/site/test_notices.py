"""News of jobs on a real PostgreSQL: told at the commit, to whom it concerns; looked for where it is lost."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from databases import empty_on
from opened import settings_in

from strikebox.jobs import Notices
from strikebox.jobs.notices import WORK, tell
from strikebox.site.context import Site, open_site
from strikebox.site.progress import Progress
from strikebox.site.sse import changes

_PATIENCE = 30.0  # seconds, on a busy machine


@pytest.fixture
def web(tmp_path: Path, server: Path) -> Iterator[Site]:
    site = open_site(settings_in(tmp_path, empty_on(server)))
    yield site
    site.close()


@pytest.fixture
def worker(web: Site) -> Iterator[Site]:
    """The same site as another process has it."""
    site = open_site(web.settings)
    yield site
    site.close()


def until(true: Callable[[], bool]) -> None:
    """Wait for it."""
    end = time.monotonic() + _PATIENCE
    while not true():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.01)


def break_listening(site: Site) -> None:
    """As a server does that is restarted."""
    with site.database.writing() as connection:
        connection.exec_driver_sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
        )


def place(site: Site, subject: str = "cat") -> str:
    return site.orders.place(subject, "visitor", network="n").id


def test_only_what_is_committed_is_told_and_only_to_whom_it_concerns(web: Site, worker: Site) -> None:
    mine, others = threading.Event(), threading.Event()
    with web.notices.calling(mine.set, ["mine"]), web.notices.calling(others.set, ["others"]):
        until(lambda: web.notices.listening)
        mine.clear()
        others.clear()
        with pytest.raises(ZeroDivisionError), worker.database.writing() as connection:
            tell(connection, "mine")
            raise ZeroDivisionError
        with worker.database.writing() as connection:
            tell(connection, "others")
        assert others.wait(_PATIENCE) and not mine.is_set()
    others.clear()
    with worker.database.writing() as connection:
        tell(connection, "others")
    assert not others.wait(0.5), "who has left is not called"


def test_each_change_of_a_job_is_told(web: Site, worker: Site) -> None:
    id, told, work = place(web), threading.Event(), threading.Event()

    def is_told() -> None:
        assert told.wait(_PATIENCE)
        told.clear()

    with web.notices.calling(told.set, [id]), web.notices.calling(work.set, [WORK]):
        until(lambda: web.notices.listening)
        is_told()
        (job,) = worker.queue.lease("worker")
        is_told()
        worker.queue.renew([job], 1, 4)
        is_told()
        work.clear()
        worker.queue.release([job])
        is_told()
        assert work.wait(_PATIENCE), "there is work again"
        assert worker.orders.cancel(id, "visitor")
        is_told()


def test_a_submitted_job_wakes_workers(web: Site, worker: Site) -> None:
    woken = threading.Event()
    with worker.notices.calling(woken.set, [WORK]):
        until(lambda: worker.notices.listening)
        woken.clear()
        place(web)
        assert woken.wait(_PATIENCE)


def test_a_lost_connection_is_made_again_and_nothing_is_missed(web: Site, worker: Site) -> None:
    called = threading.Event()
    with web.notices.calling(called.set, ["job"]):
        until(lambda: web.notices.listening)
        called.clear()
        break_listening(worker)
        until(lambda: not web.notices.listening)
        assert called.wait(_PATIENCE), "who waits looks for what was said meanwhile"
        until(lambda: web.notices.listening)
        called.clear()
        with worker.database.writing() as connection:
            tell(connection, "job")
        assert called.wait(_PATIENCE)


def test_nobody_listens_on_sqlite(tmp_path: Path) -> None:
    site = open_site(settings_in(tmp_path))
    with site.notices.calling(lambda: None, [WORK]):
        place(site)
        assert not site.notices.listening and not any(t.name == "notices" for t in threading.enumerate())
    site.close()


def watched(site: Site, id: str, seen: int = -1, stop_at: int | None = None) -> list[Progress]:
    """What a browser is told of a job until it is over, or until a step."""

    async def watch() -> list[Progress]:
        now = site.progress.of(id)
        assert now is not None
        told: list[Progress] = []
        async for change in changes(site.progress, now, seen, site.notices):
            told.append(change)
            if stop_at is not None and change.steps_done >= stop_at:
                break
        return told

    return asyncio.run(asyncio.wait_for(watch(), 2 * _PATIENCE))


def test_a_stream_that_breaks_is_gone_on_with_without_a_gap(web: Site, worker: Site) -> None:
    id = place(web)
    with ThreadPoolExecutor(1) as browser:
        first = browser.submit(watched, web, id, -1, 2)
        (job,) = worker.queue.lease("worker")
        for step in range(3):
            worker.queue.renew([job], step, 6)
        before = first.result()
        worker.queue.renew([job], 3, 6)
        break_listening(worker)
        rest = browser.submit(watched, web, id, before[-1].version)
        for step in range(4, 6):
            worker.queue.renew([job], step, 6)
        worker.queue.finish(job, {"picture": id})
        after = rest.result()
    versions = [now.version for now in (*before, *after)]
    assert versions == sorted(set(versions)) and after[-1].picture == id


def test_steps_arrive_sooner_than_by_looking(web: Site, worker: Site) -> None:
    """A watcher that listens looks every two seconds by itself: a step within one was told."""
    id = place(web)
    (job,) = worker.queue.lease("worker")
    delays: list[float] = []

    async def watch() -> None:
        now = web.progress.of(id)
        assert now is not None
        async for change in changes(web.progress, now, -1, web.notices):
            if (then := made.get(change.steps_done)) is not None:
                delays.append(time.monotonic() - then)
            if change.steps_done == 5:
                return

    made: dict[int, float] = {}
    with ThreadPoolExecutor(1) as browser:
        done = browser.submit(asyncio.run, asyncio.wait_for(watch(), 2 * _PATIENCE))
        until(lambda: web.notices.listening)
        for step in range(1, 6):
            time.sleep(0.6)
            made[step] = time.monotonic()
            worker.queue.renew([job], step, 5)
        done.result()
    assert len(delays) == 5 and sorted(delays)[2] < 1.0, delays


def test_closing_leaves_no_thread_and_no_connection(web: Site) -> None:
    notices = Notices(web.database)
    with notices.calling(lambda: None, [WORK]):
        until(lambda: notices.listening)
    notices.close()
    until(lambda: listeners(web) == 0)


def listeners(site: Site) -> int:
    query = (
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%%' AND datname = current_database()"
    )
    with site.database.reading() as connection:
        return int(connection.exec_driver_sql(query).scalar_one())
