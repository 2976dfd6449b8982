"""An accepted job survives `kill -9` of the web process, of workers, or of both, at any moment."""

import http.client
import json
import threading
import time
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

SHORT, LONG = 6, 500  # kills
_AT_ONCE = 12  # orders that wait


class Visitors(threading.Thread):
    """Orders one picture after another; what nobody answered is asked again, with the same key."""

    def __init__(self, house: House, site: Site) -> None:
        super().__init__(daemon=True)
        self._house, self._site = house, site
        self._over = threading.Event()
        self.accepted: list[str] = []

    def run(self) -> None:
        while not self._over.is_set():
            if self._site.queue.count().get("waiting", 0) >= _AT_ONCE:
                self._over.wait(0.1)
            else:
                self.accepted.append(self._order(f"key-{len(self.accepted)}"))

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
def house(tmp_path: Path, address: str, full: bool) -> Iterator[House]:
    paces = {toy_site.SECONDS: "0.01", toy_site.PAUSE: "0.5", toy_site.LEASED: "5"}
    if full:
        paces[toy_site.WORKERS] = "2"
    opened = House(tmp_path / "house", address, environment=paces)
    yield opened
    opened.close()


def test_what_was_accepted_is_made_or_said_to_have_failed(
    house: House, address: str, full: bool, dice: Random, seed: int, note: Note
) -> None:
    on_sqlite = "postgresql" not in address
    kills = (LONG if full else SHORT) if on_sqlite else SHORT // 2
    site = toy_site.opened(house.config)
    web = house.serve()
    visitors = Visitors(house, site)
    visitors.start()
    victims = {"web": 0, "worker": 0, "both": 0}
    for _ in range(kills):
        wait_a_moment(house, visitors, dice)
        what = dice.choice(list(victims))
        workers = children_of(web.pid)
        victims[what] += 1
        if what != "web" and workers:
            for pid in workers if what == "both" else [dice.choice(workers)]:
                kill(pid)
        if what != "worker":
            web.kill()
            web.wait()
            web = house.serve()
    visitors.stop()
    wait_for(lambda: is_over(site), "the last job")
    states = [job(site, id).state for id in visitors.accepted]
    assert set(states) <= {"done", "failed"}
    with site.database.reading() as connection:
        assert set(connection.execute(sa.select(jobs.c.id)).scalars()) == set(visitors.accepted)
    house.close()
    swept = check_sound(site)
    note(
        f"kill {'sqlite' if on_sqlite else 'postgresql'}",
        kills=kills,
        **victims,
        accepted=len(states),
        done=states.count("done"),
        set_aside=states.count("failed"),
        lost=0,
        orphans_swept=swept,
        seed=seed,
    )
    site.close()


def wait_a_moment(house: House, visitors: Visitors, dice: Random) -> None:
    """Mostly until the site answers and took an order since, sometimes in the middle of its start."""
    if dice.random() < 0.6:
        before = len(visitors.accepted)
        wait_for(lambda: house.answers() and len(visitors.accepted) > before, "an order")
    time.sleep(dice.random())
