"""Counters live in the database: processes share them, and a restart forgets none."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from opened import settings_in

from strikebox.errors import TooMany
from strikebox.jobs.schema import tallies
from strikebox.site import retention
from strikebox.site.app import create_app
from strikebox.site.context import Site, open_site
from strikebox.site.limits import ACTS, LOGINS, MINUTE, Limits

TIGHT = {"burst": 2, "per_day": 3, "network_per_day": 500, "queue": 100, "proof_of_work": "off"}


@pytest.fixture
def places(tmp_path: Path, address: str) -> Iterator[list[Site]]:
    """Two web processes of one site, as two sites with one database."""
    settings = settings_in(tmp_path, address, limits=TIGHT)
    sites = [open_site(settings), open_site(settings)]
    yield sites
    for site in sites:
        site.close()


@pytest.fixture(autouse=True)
def not_between_two_minutes() -> None:
    """A limit that slides counts a little less on the other side of a full minute."""
    if (past := time.time() % MINUTE) > 50:
        time.sleep(MINUTE - past + 0.1)


def move_back(site: Site, seconds: int, spans: int) -> None:
    """As if so many spans had passed."""
    with site.database.writing() as connection:
        earlier = sa.update(tallies).where(tallies.c.seconds == seconds)
        connection.execute(
            earlier.values(span=tallies.c.span - spans, until=tallies.c.until - spans * seconds)
        )


def test_processes_count_together(places: list[Site]) -> None:
    one, other = (Limits(site.database) for site in places)
    for _ in range(ACTS.most // 2):
        one.act("here")
        other.act("here")
    for limits in (one, other, Limits(places[0].database)):  # the last one has just been started
        with pytest.raises(TooMany) as error:
            limits.act("here")
        assert 1 <= error.value.retry_after <= MINUTE
    one.act("elsewhere")


def test_a_limit_slides(site: Site) -> None:
    limits = Limits(site.database)
    for _ in range(LOGINS[0].most):
        limits.login("here")
    with pytest.raises(TooMany):
        limits.login("here")
    move_back(site, MINUTE, 2)
    limits.login("here")


def test_who_is_refused_is_not_written_down(site: Site) -> None:
    limits = Limits(site.database)
    read = [limits.note("here") for _ in range(40)]
    assert read == [True] * 30 + [False] * 10
    with site.database.reading() as connection:
        assert connection.execute(sa.select(tallies.c.number)).scalars().all() == [30]


def test_many_at_once_are_counted_exactly(site: Site) -> None:
    limits, passed = Limits(site.database), list[bool]()
    threads = [threading.Thread(target=lambda: passed.append(limits.note("here"))) for _ in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(passed) == 30


def test_an_answer_counts_once_in_all_processes(places: list[Site]) -> None:
    one, other = (Limits(site.database) for site in places)
    assert [one.first_time("a"), other.first_time("a"), other.first_time("b")] == [True, False, True]


def test_a_restart_resets_nobodys_quota(tmp_path: Path, address: str) -> None:
    settings = settings_in(tmp_path, address, limits={**TIGHT, "burst": 100})
    statuses: list[int] = []
    cookies = None
    for _ in range(2):
        site = open_site(settings)
        with TestClient(create_app(site), follow_redirects=False, cookies=cookies) as web:
            statuses += [web.post("/make", data={"subject": "cat"}).status_code for _ in range(2)]
            cookies = web.cookies
        site.close()
    assert statuses == [303, 303, 303, 429]


def test_two_processes_take_no_more_orders_than_one(places: list[Site]) -> None:
    webs = [TestClient(create_app(site), follow_redirects=False) for site in places]
    statuses: list[int] = []
    for number in range(11):
        web = webs[number % 2]
        web.cookies.clear()  # a new client each time; its network stays
        statuses.append(web.post("/make", data={"subject": "cat"}).status_code)
    assert statuses == [303] * 10 + [429]


def test_what_no_limit_needs_is_forgotten(site: Site) -> None:
    limits = Limits(site.database)
    limits.act("here")
    retention.keep(site)
    with site.database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tallies)).scalar() == 1
    move_back(site, MINUTE, 3)
    retention.keep(site)
    with site.database.reading() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(tallies)).scalar() == 0
