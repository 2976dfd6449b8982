"""A device that hangs, runs out of memory or fails, and jobs that kill whoever makes them."""

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa
import toy_site
from fastapi.testclient import TestClient
from figures import Note
from house import House, check_sound, is_over, job, kill, wait_for

from strikebox.jobs.schema import batches
from strikebox.site.app import create_app
from strikebox.site.context import Site
from strikebox.site.settings import AdminSection
from strikebox.worker.children import Children, Process
from strikebox.worker.names import worker_name

REPLACED_WITHIN = 30.0  # seconds from the last step
_SHORT_SILENCE = 3.0  # seconds


@pytest.fixture
def house(tmp_path: Path, full: bool, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    silence = {} if full else {toy_site.SILENCE: str(_SHORT_SILENCE)}
    environment = {toy_site.SECONDS: "0.02", **silence}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("strikebox.worker.children._LONGEST", 0.5)
    opened = House(tmp_path / "house", environment=environment)
    yield opened
    opened.close()


@pytest.fixture
def site(house: House) -> Iterator[Site]:
    opened = toy_site.opened(house.config)
    yield opened
    opened.close()


def children(house: House, site: Site, **options: object) -> Children:
    return Children(house.command("worker", str(house.config), str(os.getpid())), 1, site, **options)  # type: ignore[arg-type]


def order(site: Site, *subjects: str) -> list[str]:
    return [site.orders.place(subject, "maker", network="n").id for subject in subjects]


def states(site: Site, ids: list[str]) -> list[tuple[str, int]]:
    return [(job(site, id).state, job(site, id).attempt) for id in ids]


def test_a_job_that_kills_its_worker_is_set_aside_and_its_neighbours_are_made(
    house: House, site: Site, note: Note
) -> None:
    ids = order(site, "cat", "poison", "owl", "fox", "bear")
    with children(house, site):
        took = wait_for(lambda: is_over(site), "the end of all jobs")
    poisoned = job(site, ids[1])
    assert (poisoned.state, poisoned.attempt) == ("failed", 3)
    assert poisoned.error is not None and poisoned.error.startswith("gave-up")
    assert [job(site, id).state for id in ids if id != poisoned.id] == ["done"] * 4
    check_sound(site)
    note("poison", attempts=poisoned.attempt, neighbours_made=4, seconds=took)


def test_a_child_without_a_step_is_replaced(house: House, site: Site, full: bool, note: Note) -> None:
    """The first process stops itself in its first step; what counts is when another has the job."""
    (id,) = order(site, "wedge")
    with children(house, site) as started:
        wait_for((site.settings.storage.folder / "happened-wedge").exists, "the first step")
        (wedged,) = started.pids
        took = wait_for(lambda: job(site, id).worker != worker_name(wedged), "the second attempt")
        wait_for(lambda: is_over(site), "the end of the job")
        assert wedged not in started.pids
    assert states(site, [id]) == [("done", 2)]
    note("wedged device", seconds_from_last_step_to_next_attempt=took)
    assert not full or took <= REPLACED_WITHIN
    check_sound(site)


def test_a_device_whose_process_cannot_be_killed_is_out_of_service(
    house: House, site: Site, monkeypatch: pytest.MonkeyPatch, note: Note
) -> None:
    monkeypatch.setattr("strikebox.worker.children.UNKILLABLE", 1.0)
    attempts: list[int] = []

    def in_vain(process: Process) -> None:
        attempts.append(process.pid)

    (id,) = order(site, "wedge")
    with children(house, site, kill=in_vain) as started:
        (wedged,) = started.pids
        took = wait_for(lambda: len(site.workers.stuck()) == 1, "out of service")
        assert attempts == [wedged] and started.pids == [wedged]
        check_said(site, id, worker_name(wedged))
        with children(house, site) as later:  # a site that is started again on this machine
            time.sleep(1.5)
            assert later.pids == []
        kill(wedged)
        wait_for(lambda: job(site, id).state == "done", "the end of the job")
        assert site.workers.stuck() == []
    note("unkillable", seconds_from_start_to_out_of_service=took)


def check_said(site: Site, id: str, name: str) -> None:
    """Machines are told what happened, a visitor only that nothing is made."""
    web = TestClient(create_app(site))
    assert web.get("/readyz").json()["stuck_workers"] == 1
    assert "strikebox_workers_stuck 1.0" in web.get("/metrics").text
    waiting = order(site, "late")[0]
    page = web.get(f"/jobs/{waiting}").text
    assert "Nothing is being made at the moment" in page
    assert name not in page and "toy" not in page
    site.orders.cancel(waiting, "maker")
    assert job(site, id).state == "running"


def test_the_admin_reads_which_device_it_is(site: Site) -> None:
    site.workers.beat("host-1", "cuda:0", "toy", 1)
    site.workers.stick("host-1")
    header = AdminSection(proxy_header="X-Auth-User")
    limits = site.settings.limits.model_copy(update={"trusted_hops": 1})
    trusting = site.settings.model_copy(update={"admin": header, "limits": limits})
    web = TestClient(create_app(replace(site, settings=trusting)))
    page = web.get("/admin", headers={"X-Auth-User": "me", "X-Forwarded-For": "10.0.0.1"})
    assert "host-1 cannot be ended, so cuda:0 is out of service" in page.text


def test_a_fresh_process_goes_on_after_a_device_error(house: House, site: Site, note: Note) -> None:
    """Half as many at a time where memory was short, alone otherwise."""
    with children(house, site) as started:
        greedy, first = order(site, *["greedy"] * 4), started.pids
        wait_for(lambda: is_over(site), "the end of all jobs")
        second, broken = started.pids, order(site, "broken", "cat")
        wait_for(lambda: is_over(site), "the end of all jobs")
        third = started.pids
    assert states(site, greedy + broken) == [("done", 2)] * 6
    assert len({*first, *second, *third}) == 3
    with site.database.reading() as connection:
        made = connection.execute(sa.select(batches.c.pictures).order_by(batches.c.id)).scalars().all()
    assert made == [2, 2, 1, 1]
    check_sound(site)
    note("out of memory", tried_together=4, then_together=made[0], attempts=2)
    note("device error", attempts=2, processes=3)


def test_a_worker_that_nobody_watches_ends_itself(house: House, site: Site) -> None:
    """Its own thread notices; what is stopped altogether cannot, so this one hangs in its step alone."""
    house.environment = {**house.environment, toy_site.SECONDS: "60", toy_site.SILENCE: "2"}
    (id,) = order(site, "cat")
    worker = house.worker()
    assert worker.wait(120) == 1
    assert site.queue.has_work() and job(site, id).state == "running"
    assert site.workers.alive() == []
