"""Disks that fail, databases that take no writes: orders are refused whole, pages stay, and it mends itself.

A disk that is full: tests/site/api/test_full_disk.py.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest
import sqlalchemy as sa
from databases import empty_on
from disks import failing_disk
from figures import Note
from filled import fill
from posting import Answer, ask, at_once, get, order
from web import Web, configured, running

from strikebox.site.context import Site, open_site
from strikebox.site.settings import Settings

_SOON = 30.0  # seconds within which it must have mended itself
_ORDERS = 8
_ROUNDS = 3  # of writes after a fault
_TOO_MANY = 429  # votes and reports in a minute, in the long form
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}

Fault = Callable[[], AbstractContextManager[object]]


@dataclass(frozen=True, slots=True)
class House:
    """A site that is served, with pictures, and the fault that it will meet."""

    web: Web
    site: Site  # the same database, seen from elsewhere
    pictures: list[str]
    fault: Fault

    @property
    def waiting(self) -> int:
        return self.site.queue.count().get("waiting", 0)


@pytest.fixture(params=["fsync", "readonly"])
def on_sqlite(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[House]:
    config = configured(tmp_path / "house")
    disk = failing_disk(tmp_path / "house" / "site", tmp_path)
    site = open_site(Settings.read(config))
    ids = fill(site, ["fox", "owl"])
    with running(config, disk.environment) as web:
        yield House(web, site, ids, lambda: disk.failing(request.param))
    site.close()


@pytest.fixture
def on_postgresql(tmp_path: Path, server: Path) -> Iterator[House]:
    config = configured(tmp_path / "house", empty_on(server))
    site = open_site(Settings.read(config))
    ids = fill(site, ["fox", "owl"])
    with running(config) as web:
        yield House(web, site, ids, lambda: read_only(server))
    site.close()


@contextmanager
def read_only(server: Path) -> Generator[None]:
    """As after a failover to a copy: every database of the server takes no writes."""

    def say(change: LiteralString) -> None:
        with psycopg.connect(f"host={server} user=strikebox dbname=postgres", autocommit=True) as connection:
            connection.execute("SET default_transaction_read_only = off")
            connection.execute(change)
            connection.execute("SELECT pg_reload_conf()")

    say("ALTER SYSTEM SET default_transaction_read_only = on")
    try:
        yield
    finally:
        say("ALTER SYSTEM RESET default_transaction_read_only")


def until(condition: Callable[[], bool]) -> float:
    """Seconds that it took to come true."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < _SOON, "it did not happen in time"
        time.sleep(0.1)
    return time.monotonic() - began


def writes(house: House) -> list[Answer]:
    """Each kind of write that visitors do, all in the same moment, on connections of their own."""
    base, id = house.web.base, house.pictures[0]
    return at_once(
        [
            *(lambda: order(base) for _ in range(_ORDERS)),
            lambda: ask(base, "POST", "/make", b"subject=cat", _FORM),
            lambda: ask(base, "PUT", f"/api/v1/pictures/{id}/vote"),
            lambda: ask(base, "POST", f"/pictures/{id}/report", b"reason=other&text=x", _FORM),
        ]
    )


def pages_stay(house: House, job: str) -> None:
    id = house.pictures[0]
    for path in ("/", "/gallery?q=fox", "/hall", f"/pictures/{id}", f"/pictures/{id}.png", "/about"):
        assert get(house.web.base, path).status == 200, path
    assert get(house.web.base, f"/api/v1/jobs/{job}").status == 200
    assert get(house.web.base, "/healthz").status == 200


def meets(house: House) -> float:
    """The fault comes, stays for a while and goes; seconds until an order is taken again."""
    base = house.web.base
    jobs = [order(base).json["id"] for _ in range(_ORDERS)]
    with house.fault():
        until(lambda: order(base).status == 503)
        accepted = house.waiting
        for answer in writes(house):
            assert answer.status in (503, _TOO_MANY) and int(answer.headers["retry-after"]) > 0
            assert b"Traceback" not in answer.body and b"sqlite" not in answer.body
        assert order(base).json["code"] == "database-unavailable"
        pages_stay(house, jobs[0])
    seconds = until(lambda: order(base).status == 202)
    for _ in range(_ROUNDS):
        assert {answer.status for answer in writes(house)} <= {200, 202, 303, _TOO_MANY}
    more = 1 + _ROUNDS * (_ORDERS + 1)
    assert house.waiting == accepted + more, "what was promised is there, the rest is not"
    return seconds


def test_a_disk_that_fails(on_sqlite: House, full: bool, note: Note, request: pytest.FixtureRequest) -> None:
    rounds = 20 if full else 1
    slowest = max(meets(on_sqlite) for _ in range(rounds))
    with on_sqlite.site.database.reading() as connection:
        assert connection.execute(sa.text("PRAGMA integrity_check")).scalar() == "ok"
    fault = request.node.callspec.params["on_sqlite"]
    note(f"disk-{fault}-sqlite", faults=rounds, slowest_recovery_seconds=slowest)


def test_a_server_that_takes_no_writes(on_postgresql: House, full: bool, note: Note) -> None:
    rounds = 20 if full else 1
    slowest = max(meets(on_postgresql) for _ in range(rounds))
    note("disk-readonly-postgresql", faults=rounds, slowest_recovery_seconds=slowest)
