"""Posts on two nodes: as many as the queue needs, replaced when they die, gone when told."""

import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from studios import long
from toys import found, open_toy_site, order, until

from strikebox.cluster.keeper import Keeper
from strikebox.cluster.pool import needs
from strikebox.site.context import Site
from strikebox.site.scaling import Scale
from strikebox.worker.remote import crew_of

SECONDS = 120.0  # for processes to start on a busy machine
COMMAND = (sys.executable, str(Path(__file__).parent / "toy_worker.py"))


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = open_toy_site(tmp_path / "site")
    yield opened
    opened.close()


def pids(site: Site) -> list[int]:
    return [int(worker.name.rpartition("-")[2]) for worker in site.workers.alive()]


def busy(site: Site, ids: list[str]) -> bool:
    """Keeps more waiting than one worker should have; always true."""
    while site.queue.count().get("waiting", 0) < 20:
        ids += order(site, str(len(ids)))
    return True


def done(site: Site, ids: list[str]) -> bool:
    return all(found(site, id).state == "done" for id in ids)


def test_posts_come_and_go_with_the_queue_and_survive_any_death(ray: Any, site: Site) -> None:
    leaving, scale, ids = threading.Event(), Scale(1, 2, busy=2.0, patience=2.0), list[str]()
    asked = needs(ray.cluster_resources(), 1)
    keeper = Keeper(ray, site, crew_of(site.settings, COMMAND), asked, scale)
    thread = threading.Thread(target=keeper.run, args=(leaving,))
    thread.start()
    try:
        until(lambda: len(pids(site)) == 1, SECONDS)
        until(lambda: busy(site, ids) and len(pids(site)) == 2, SECONDS)

        # A worker: its actor starts the next one.
        first, second = pids(site)
        os.kill(first, signal.SIGKILL)
        until(lambda: busy(site, ids) and len(pids(site)) == 2 and first not in pids(site), SECONDS)

        # An actor: the keeper starts the next one, and the orphan leaves.
        os.kill(psutil.Process(second).ppid(), signal.SIGKILL)
        until(lambda: busy(site, ids) and len(pids(site)) == 2 and second not in pids(site), SECONDS)
        until(lambda: done(site, ids), SECONDS)
        until(lambda: len(pids(site)) == 1, SECONDS)  # nothing waits
        until(lambda: not psutil.pid_exists(second), SECONDS)
    finally:
        started = time.monotonic()
        leaving.set()
        thread.join(60)
    assert not thread.is_alive() and time.monotonic() - started < 40
    assert site.workers.alive() == []
    assert {picture.id for picture in site.pictures.page(most=1000).pictures} == set(ids)
    today = site.budget.today()
    assert today.reserved == pytest.approx(0) and today.spent > 0


@long
def test_a_silent_post_is_replaced_and_its_jobs_are_free_at_once(ray: Any, site: Site) -> None:
    asked = needs(ray.cluster_resources(), 1)
    keeper = Keeper(ray, site, crew_of(site.settings, COMMAND), asked, Scale(1, 1), silent=3.0)
    leaving = threading.Event()
    thread = threading.Thread(target=keeper.run, args=(leaving,))
    thread.start()
    try:
        until(lambda: len(pids(site)) == 1, SECONDS)
        (id,) = order(site, "a")
        (worker,) = pids(site)
        post = psutil.Process(worker).ppid()
        os.kill(post, signal.SIGSTOP)
        os.kill(worker, signal.SIGSTOP)
        until(lambda: not psutil.pid_exists(post), SECONDS)
        until(lambda: done(site, [id]), SECONDS)
        assert worker not in pids(site)
        os.kill(worker, signal.SIGKILL)
    finally:
        leaving.set()
        thread.join(60)
    assert not thread.is_alive()
