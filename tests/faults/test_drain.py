"""SIGTERM: no new claims, jobs done or released in time, and streams of progress that go on afterwards."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest
import toy_site
from figures import Note
from house import House, Process, check_sound, is_over, job, wait_for

from strikebox.site.context import Site

WITHIN = 30.0  # seconds
SHORT, LONG = 1, 6  # restarts
PACES = ("0.3", "0.3", "1")  # seconds a step: a batch takes 8 s, or longer than a worker may take to leave


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    opened = House(tmp_path / "house")
    yield opened
    opened.close()


@dataclass
class Watcher:
    """A browser on a job's page: it comes back with the last event that it saw, until the job is over."""

    house: House
    id: str
    seen: list[tuple[int, str, float]] = field(default_factory=list[tuple[int, str, float]])
    connections: int = 0

    def __call__(self) -> None:
        while not (self.seen and self.seen[-1][1] in ("done", "failed")):
            with suppress(OSError, http.client.HTTPException):
                self._listen()
            time.sleep(0.2)

    def _listen(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.house.port, timeout=60)
        headers = {"Last-Event-ID": str(self.seen[-1][0])} if self.seen else {}
        connection.request("GET", f"/jobs/{self.id}/events", headers=headers)
        answer = connection.getresponse()
        if answer.status == 200:
            self.connections += 1
        number, told = -1, {}
        while line := answer.readline():
            name, _, value = line.decode().rstrip("\n").partition(": ")
            if name == "id":
                number = int(value)
            elif name == "data":
                told = json.loads(value)
            elif not name and number >= 0:  # an empty line ends an event
                self.seen.append((number, told["state"], told["done"]))
                number = -1
        connection.close()


def test_a_site_leaves_in_order_and_streams_go_on(
    house: House, full: bool, dice: Random, seed: int, note: Note
) -> None:
    site = toy_site.opened(house.config)
    took: list[float] = []
    events = connections = 0
    for number in range(LONG if full else SHORT):
        house.environment = {toy_site.SECONDS: PACES[number % len(PACES)]}
        web = house.serve()
        wait_for(house.answers, "the start of the site")
        watchers = [Watcher(house, id) for id in ordered(site, 6)]
        threads = [threading.Thread(target=watcher, daemon=True) for watcher in watchers]
        for thread in threads:
            thread.start()
        wait_for(lambda ids=watchers: any(w.seen for w in ids), "the first event")
        time.sleep(3 * dice.random())
        took.append(leave(web, site, [w.id for w in watchers]))
        house.environment = {toy_site.SECONDS: "0.05"}
        web = house.serve()
        for thread in threads:
            thread.join(120)
            assert not thread.is_alive(), "a stream never told the end"
        assert sum(w.connections for w in watchers) > len(watchers)
        for watcher in watchers:
            check_stream(watcher, site)
        events += sum(len(w.seen) for w in watchers)
        connections += sum(w.connections for w in watchers)
        leave(web, site, [])
    assert is_over(site)
    check_sound(site)
    note("drain", restarts=len(took), most_seconds=max(took), events=events, streams=connections, seed=seed)
    site.close()


def ordered(site: Site, number: int) -> list[str]:
    return [site.orders.place("cat", "maker", network="n").id for _ in range(number)]


def leave(web: Process, site: Site, ids: list[str]) -> float:
    """Seconds that the site took to leave. Nothing runs then, and what waits was not blamed."""
    began = time.monotonic()
    web.terminate()
    web.wait(WITHIN + 30)
    took = time.monotonic() - began
    assert took <= WITHIN
    stand = [(job(site, id).state, job(site, id).attempt) for id in ids]
    assert set(stand) <= {("done", 1), ("waiting", 0)}, stand
    assert site.workers.alive() == []
    return took


def check_stream(watcher: Watcher, site: Site) -> None:
    """In order, to the last version; one may be told again, with a newer estimate of the time left."""
    versions = [version for version, _, _ in watcher.seen]
    assert versions == sorted(versions), versions
    assert watcher.seen[-1][1] == job(site, watcher.id).state == "done"
    last = site.progress.version(watcher.id)
    assert versions[-1] == last
