"""A job whose worker dies with its whole machine, so that nobody is left to say so, runs again in time."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import toy_site
from figures import Note, quantile
from house import House, is_over, job, kill, wait_for

from strikebox.site.context import Site
from strikebox.worker.names import pid_of

WITHIN = 35.0  # seconds, 99 of 100
KILLS, AT_ONCE = 200, 10
_SHORT_LEASE = 3.0  # seconds


@pytest.fixture
def house(tmp_path: Path, full: bool) -> Iterator[House]:
    leases = {} if full else {toy_site.LEASED: str(_SHORT_LEASE)}
    opened = House(tmp_path / "house", batch=1, environment={toy_site.SECONDS: "1", **leases})
    yield opened
    opened.close()


def test_a_machine_that_dies_costs_its_jobs_half_a_minute(
    house: House, full: bool, dice: Random, seed: int, note: Note
) -> None:
    site = toy_site.opened(house.config)
    kills, at_once = (KILLS, AT_ONCE) if full else (2, 2)
    herd = 2 * at_once
    took: list[float] = []
    while len(took) < kills:
        house.start("herd", str(house.config), str(herd))
        wait_for(lambda: len(site.workers.alive()) >= 2 * at_once, "the start of all workers")
        took += kill_all_at_work(site, at_once, dice)
        herd = at_once
        note(
            "recovery",
            kills=len(took),
            p50_seconds=quantile(took, 0.5),
            p99_seconds=quantile(took, 0.99),
            most_seconds=max(took),
            seed=seed,
        )
    assert quantile(took, 0.99) <= WITHIN
    site.close()


def kill_all_at_work(site: Site, number: int, dice: Random) -> list[float]:
    """Seconds from the death of each worker until another has its job."""
    ids = [site.orders.place("cat", "maker", network="n").id for _ in range(number)]
    wait_for(lambda: site.queue.count().get("running", 0) == number, "the start of all jobs")
    killed = {id: _kill_worker_of(site, id, dice) for id in ids}
    wait_for(lambda: all(job(site, id).attempt == 2 for id in ids), "the second attempt of all jobs")
    took = [(job(site, id).started or 0.0) - at for id, at in killed.items()]
    for id in ids:
        site.orders.cancel(id, "maker")
    assert is_over(site)
    return took


def _kill_worker_of(site: Site, id: str, dice: Random) -> float:
    """When it died, in seconds since 1970."""
    time.sleep(dice.random() / 2)
    name = job(site, id).worker
    pid = pid_of(name) if name is not None else None
    assert pid is not None and pid != os.getpid() and name is not None
    kill(pid)
    at = time.time()
    site.workers.leave(name)  # so that those that are alive can be counted; nothing else looks at it
    return at
