"""Events of a job: each change once and in order, from where the browser left off, until it is over."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pytest
from fastapi.testclient import TestClient
from filled import opened

from strikebox.site.app import create_app
from strikebox.site.context import Site
from strikebox.site.progress import Progress
from strikebox.site.sse import changes

T = TypeVar("T")


def run(work: Coroutine[Any, Any, T]) -> T:
    """In a thread of its own: a browser test before this one leaves its event loop running in ours."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = opened(tmp_path)
    yield site
    site.close()


def standing(site: Site, id: str) -> Progress:
    found = site.progress.of(id)
    assert found is not None
    return found


def test_each_change_is_told_once_and_in_order(site: Site) -> None:
    id = site.orders.place("cat", "visitor", network="n").id

    async def watch() -> list[Progress]:
        return [now async for now in told()]

    async def told() -> AsyncIterator[Progress]:
        threading.Thread(target=work).start()
        async for now in changes(site.progress, standing(site, id), -1, site.notices):
            yield now

    def work() -> None:
        (job,) = site.queue.lease("worker", 1)
        for step in range(4):
            site.queue.renew([job], step, 4)
        site.queue.finish(job, {"picture": id})

    seen = run(asyncio.wait_for(watch(), 20))
    versions = [now.version for now in seen]
    assert versions == sorted(set(versions))
    assert seen[-1].state == "done" and seen[-1].picture == id


def test_what_a_browser_saw_is_not_told_again(site: Site) -> None:
    id = site.orders.place("cat", "visitor", network="n").id
    now = standing(site, id)

    async def first(seen: int) -> Progress | None:
        stream = changes(site.progress, now, seen, site.notices)
        try:
            return await asyncio.wait_for(anext(stream), 0.5)
        except TimeoutError:
            return None

    assert run(first(now.version - 1)) == now
    assert run(first(now.version)) is None


def test_the_stream_on_the_wire(site: Site) -> None:
    browser = TestClient(create_app(site), headers={"accept-language": "ru"})
    id = site.orders.place("cat", "visitor", network="n").id
    (job,) = site.queue.lease("worker", 1)
    site.queue.fail(job, "secret")
    answer = browser.get(f"/jobs/{id}/events", headers={"last-event-id": "1"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = dict(line.split(": ", 1) for line in answer.text.splitlines() if ": " in line)
    said = json.loads(lines["data"])
    assert int(lines["id"]) == standing(site, id).version
    assert said["final"] and said["headline"] == "Не вышло" and "secret" not in answer.text
    assert browser.get("/jobs/none/events").status_code == 404
    assert browser.get(f"/jobs/{id}/events?after=nonsense").status_code == 200
