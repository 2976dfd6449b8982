"""Ten times what the worker can make: the queue stays short, who is turned away is told when to come back."""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import pytest
import toys
from figures import Note, quantile
from filled import fill
from posting import Answer, get, order
from web import Web, configured, running

from strikebox.site.context import Site, open_site
from strikebox.site.settings import Settings

_QUEUE = 40  # jobs that may wait
_STEP = 0.05  # seconds a step of the worker: about three pictures a second
_MAKERS = 8  # threads
_ORDERS = 32.0  # a second, of all makers: ten times that
_LOOKS = 5.0  # gallery pages a second
_MOST_P99 = 0.2  # seconds
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(slots=True)
class Seen:
    """What came of it."""

    orders: Counter[int] = field(default_factory=Counter[int])  # by status
    looks: list[float] = field(default_factory=list[float])  # seconds a gallery page
    memory: list[float] = field(default_factory=list[float])  # MiB of the web process, every second
    waiting: int = 0  # jobs that waited at most
    wrong: list[Answer] = field(default_factory=list[Answer])


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[Web, Site]]:
    """A site with some pictures and one slow worker, each a process."""
    config = configured(tmp_path / "house", queue=_QUEUE)
    site = open_site(Settings.read(config))
    fill(site, [f"owl number {n}" for n in range(200)])
    worker = toys.start(tmp_path / "house" / "site", _STEP)
    with running(config) as web:
        toys.until(lambda: bool(site.workers.alive()), 60)
        yield web, site
    worker.terminate()
    assert worker.wait(60) == 0
    site.close()


@contextmanager
def repeating(act: Callable[[], None], each: float) -> Iterator[None]:
    """Meanwhile a thread does `act`, begun every `each` seconds however long it takes."""
    over = threading.Event()

    def run() -> None:
        due = time.monotonic()
        while not over.wait(max(due - time.monotonic(), 0.0)):
            act()
            due += each

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def pressed(web: Web, site: Site, seconds: float) -> Seen:
    """So many seconds of it."""
    seen, lock = Seen(), threading.Lock()

    def make() -> None:
        answer = order(web.base)
        with lock:
            seen.orders[answer.status] += 1
            if answer.status != 202 and not _is_told(answer):
                seen.wrong.append(answer)

    def look() -> None:
        began = time.monotonic()
        answer = get(web.base, "/gallery")
        seen.looks.append(time.monotonic() - began)
        if answer.status != 200:
            seen.wrong.append(answer)

    def sample() -> None:
        pages = int(Path(f"/proc/{web.pid}/statm").read_text().split()[1])
        seen.memory.append(pages * _PAGE / 2**20)
        seen.waiting = max(seen.waiting, site.queue.count().get("waiting", 0))

    with ExitStack() as stack:
        for _ in range(_MAKERS):
            stack.enter_context(repeating(make, _MAKERS / _ORDERS))
        stack.enter_context(repeating(look, 1 / _LOOKS))
        stack.enter_context(repeating(sample, 1.0))
        time.sleep(seconds)
    return seen


def _is_told(answer: Answer) -> bool:
    """Whether it says that the queue is full, and when to come back."""
    if answer.status != 429:
        return False
    return answer.json["code"] == "queue-full" and int(answer.headers["retry-after"]) > 0


def growth(memory: list[float]) -> float:
    """MiB from the second quarter, when all is loaded, to the last."""
    quarter = max(len(memory) // 4, 1)
    return median(memory[-quarter:]) - median(memory[quarter : 2 * quarter])


def test_ten_times_the_load(house: tuple[Web, Site], full: bool, note: Note) -> None:
    web, site = house
    is_quiet = os.getloadavg()[0] < 1.0  # others slow pages down, which is no fault of ours
    seconds = 600.0 if full else 12.0
    seen = pressed(web, site, seconds)
    made = site.queue.count().get("done", 0)
    assert seen.wrong == [] and set(seen.orders) == {202, 429}
    assert seen.waiting <= _QUEUE
    assert growth(seen.memory) < 16
    assert sum(seen.orders.values()) > 5 * made > 0
    p99 = quantile(seen.looks, 0.99)
    note(
        "back-pressure",
        seconds=seconds,
        orders=sum(seen.orders.values()),
        accepted=seen.orders[202],
        refused_429=seen.orders[429],
        other_answers=0,
        made=made,
        waiting_at_most=seen.waiting,
        gallery_p50_ms=1000 * quantile(seen.looks, 0.5),
        gallery_p99_ms=1000 * p99,
        memory_mib=max(seen.memory),
        memory_growth_mib=growth(seen.memory),
        quiet_machine=is_quiet,
    )
    assert not (full and is_quiet) or p99 <= _MOST_P99
