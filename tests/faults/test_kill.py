"""An accepted job survives `kill -9` of the web process, of workers, or of both, at any moment."""

import http.client
import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import sqlalchemy as sa
import toy_site
from figures import Note
from house import House, check_sound, children_of, is_over, job, kill, wait_for

from strikebox.jobs.schema import jobs
from strikebox.site.context import Site

SHORT, LONG, ROUND = 6, 500, 50  # kills
_AT_ONCE = 12  # orders that wait


class Visitors(threading.Thread):
    """Orders one picture after another; what nobody answered is asked again, with the same key."""

    def __init__(self, house: House, site: Site, begin: int) -> None:
        """`begin`: how many were ordered before."""
        super().__init__(daemon=True)
        self._house, self._site, self.begin = house, site, begin
        self._over = threading.Event()
        self.accepted: list[str] = []

    def run(self) -> None:
        while not self._over.is_set():
            if self._site.queue.count().get("waiting", 0) >= _AT_ONCE:
                self._over.wait(0.1)
            else:
                self.accepted.append(self._order(f"key-{self.begin + len(self.accepted)}"))

    def stop(self) -> None:
        self._over.set()
        self.join(120)
        assert not self.is_alive(), "the last order was never answered"

    def _order(self, key: str) -> str:
        while True:
            try:
                status, answer = self._house.ask("POST", "/api/v1/jobs", {"subject": "cat"}, key)
            except (OSError, http.client.HTTPException):
                time.sleep(0.1)
                continue
            if status == 202:
                return str(json.loads(answer)["id"])
            assert status in (409, 503), (status, answer)
            time.sleep(0.1)


@pytest.fixture
def house(tmp_path: Path, address: str) -> Iterator[House]:
    paces = {toy_site.SECONDS: "0.01", toy_site.PAUSE: "0.5", toy_site.LEASED: "5"}
    opened = House(tmp_path / "house", address, environment=paces)
    yield opened
    opened.close()


def test_what_was_accepted_is_made_or_said_to_have_failed(
    house: House, address: str, full: bool, dice: Random, seed: int, note: Note
) -> None:
    """In rounds: after each of them everything is looked at, and figures are kept."""
    on_sqlite = "postgresql" not in address
    kills = (LONG if full else SHORT) if on_sqlite else SHORT // 2
    site, total = toy_site.opened(house.config), Counter[str](web=0, worker=0, both=0)
    while total.total() < kills:
        visitors = Visitors(house, site, begin=sum(site.queue.count().values()))
        total += killed(house, visitors, min(ROUND, kills - total.total()), dice)
        visitors.stop()
        wait_for(lambda: is_over(site), "the last job")
        house.close()
        check_kept(site, visitors)
        swept = check_sound(site)
        states = site.queue.count()
        note(
            f"kill {'sqlite' if on_sqlite else 'postgresql'}",
            kills=total.total(),
            **total,
            accepted=sum(states.values()),
            done=states.get("done", 0),
            set_aside=states.get("failed", 0),
            orphans_swept=swept,
            seed=seed,
        )
    site.close()


def killed(house: House, visitors: Visitors, kills: int, dice: Random) -> Counter[str]:
    """How often the web process, a worker, or all of them were killed."""
    total = Counter[str]()
    web = house.serve()
    visitors.start()
    for _ in range(kills):
        wait_a_moment(house, visitors, dice)
        what, workers = dice.choice(["web", "worker", "both"]), children_of(web.pid)
        if what != "web" and workers:
            for pid in workers if what == "both" else [dice.choice(workers)]:
                kill(pid)
        if what != "worker":
            web.kill()
            web.wait()
            web = house.serve()
        total[what] += 1
    return total


def check_kept(site: Site, visitors: Visitors) -> None:
    """Each order that was accepted is one job, and it is over; there is no other."""
    assert {job(site, id).state for id in visitors.accepted} <= {"done", "failed"}
    with site.database.reading() as connection:
        ids = set(connection.execute(sa.select(jobs.c.id)).scalars())
    assert set(visitors.accepted) <= ids
    assert len(ids) == visitors.begin + len(set(visitors.accepted))


def wait_a_moment(house: House, visitors: Visitors, dice: Random) -> None:
    """Mostly until the site answers and took an order since, sometimes in the middle of its start."""
    if dice.random() < 0.6:
        before = len(visitors.accepted)
        wait_for(lambda: house.answers() and len(visitors.accepted) > before, "an order")
    time.sleep(dice.random())
