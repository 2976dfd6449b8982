"""A worker that comes back when its lease is over has no effect: one picture, paid once."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
import toy_site
from figures import Note
from house import House, check_sound, job, wait_for

from strikebox.errors import JobsError
from strikebox.jobs.schema import pictures, reservations
from strikebox.site.context import Site
from strikebox.worker.names import worker_name

SHORT, LONG = 1, 20  # workers that are stopped


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    paces = {toy_site.SECONDS: "0.05", toy_site.LEASED: "2", toy_site.SILENCE: "1000"}
    opened = House(tmp_path / "house", batch=1, environment=paces)
    yield opened
    opened.close()


def test_what_a_stopped_worker_brings_is_refused(
    house: House, full: bool, dice: Random, seed: int, note: Note
) -> None:
    """Half of them are stopped at a random moment, half between the last step and the picture's end."""
    site = toy_site.opened(house.config)
    tries = LONG if full else SHORT
    for number in range(tries):
        stopped, id = stop_one_at_work(house, site, dice, at_the_end=number % 2 == 0)
        other = house.worker()
        wait_for(lambda id=id: job(site, id).state == "done", "the end of the job")
        os.kill(stopped, signal.SIGCONT)
        wait_for(lambda pid=stopped: busy(site, pid) == 0, "the return of the stopped worker")
        assert job(site, id).worker == worker_name(other.pid)
        assert (job(site, id).attempt, job(site, id).state) == (2, "done")
        house.end()
    check_paid_once(site)
    assert check_sound(site) >= 0
    refused = (house.folder / "log").read_text().count("was cancelled or taken over")
    note("exactly one effect", stopped=tries, pictures=tries, refused_at_the_end=refused, seed=seed)
    site.close()


def stop_one_at_work(house: House, site: Site, dice: Random, *, at_the_end: bool) -> tuple[int, str]:
    """The process of a worker that cannot renew its lease any more, and the job that it holds."""
    folder = site.settings.storage.folder
    (folder / "happened-stopped").unlink(missing_ok=True)
    mark = folder / "stop-before-publishing"
    mark.unlink(missing_ok=True)
    if at_the_end:
        mark.touch()
    worker = house.worker()
    id = site.orders.place("cat", "maker", network="n").id
    wait_for(lambda: job(site, id).state == "running", "the start of the job")
    if at_the_end:
        wait_for((folder / "happened-stopped").exists, "the end of the last step")
    else:
        time.sleep(dice.random())
        stop_between_commits(worker.pid, site)
    return worker.pid, id


def stop_between_commits(pid: int, site: Site) -> None:
    """One that is stopped within a commit holds SQLite's only lock, and no other worker can do anything."""
    while True:
        os.kill(pid, signal.SIGSTOP)
        with suppress(JobsError), site.database.writing():
            return
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.05)


def busy(site: Site, pid: int) -> int:
    """Jobs in a worker's hands, as it says."""
    return next((one.busy for one in site.workers.alive() if one.name == worker_name(pid)), -1)


def check_paid_once(site: Site) -> None:
    """What was spent on a job is what its picture says that it cost."""
    with site.database.reading() as connection:
        paid = {row.job: row.used for row in connection.execute(sa.select(reservations))}
        said = {row.id: row.dollars for row in connection.execute(sa.select(pictures))}
    assert {id: round(dollars * 1e9) for id, dollars in said.items()} == paid
