"""One key, one order: however many ask at once, on whichever process, and for as long as it is promised."""

import base64
import hashlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from queue import Queue

import pytest
import sqlalchemy as sa
from figures import Note
from posting import Answer, at_once, get, order
from served import serving

from strikebox.jobs.schema import order_keys, orders
from strikebox.site.context import Site
from strikebox.site.orders import KEYS_KEPT
from strikebox.site.settings import LimitsSection, StorageSection
from strikebox.site.sql import one_writer

_POSTS, _PROCESSES = 100, 2
_ORDERING = 1962  # the lock under which orders are taken: site/orders.py
_PATIENT = 60.0  # seconds
ROOMY = {"burst": 10_000, "per_day": 100_000, "network_per_day": 100_000, "queue": 10_000}

OpenSites = Callable[..., tuple[list[str], Site]]


@pytest.fixture
def sites(tmp_path: Path, address: str) -> Iterator[OpenSites]:
    """Opens several servers of one site, each with memory of its own; their addresses."""
    with ExitStack() as stack:

        def open_them(count: int = _PROCESSES, proof: str = "off") -> tuple[list[str], Site]:
            sections = {
                "storage": StorageSection(folder=tmp_path / "site", database=address),
                "limits": LimitsSection(**ROOMY, proof_of_work=proof),  # type: ignore[arg-type]
            }
            opened = [stack.enter_context(serving(tmp_path, **sections)) for _ in range(count)]
            return [base for base, _ in opened], opened[0][1]

        yield open_them


def insist(base: str, **fields: str) -> Answer:
    """Ask again for as long as the first order is being answered, as the answer says."""
    until = time.monotonic() + _PATIENT
    while (answer := order(base, **fields)).status == 409 and time.monotonic() < until:
        assert answer.json["code"] == "idempotency-key-in-flight" and int(answer.headers["retry-after"]) == 1
        time.sleep(1)
    return answer


def test_a_hundred_posts_of_one_key_are_one_job(sites: OpenSites, full: bool, note: Note) -> None:
    bases, site = sites()
    took: list[float] = []
    rounds = 20 if full else 1
    for number in range(rounds):
        started = time.monotonic()
        key = f"key-{number}"
        answers = at_once([partial(insist, base, key=key) for base in bases * (_POSTS // _PROCESSES)])
        took.append(time.monotonic() - started)
        assert {answer.status for answer in answers} == {202}
        assert len({answer.json["id"] for answer in answers}) == 1
        changed = order(bases[0], "owl", key=key)
        assert (changed.status, changed.json["code"]) == (422, "idempotency-key-reused")
    assert site.queue.count() == {"waiting": rounds}
    database = "sqlite" if site.database.is_sqlite else "postgresql"
    note(f"idempotency-{database}", posts=_POSTS * rounds, jobs=rounds, slowest_seconds=max(took))


def solved(base: str) -> str:
    """A proof as browsers send it."""
    given = get(base, "/api/v1/challenge").json
    number = next(
        n
        for n in range(given["maxnumber"] + 1)
        if hashlib.sha256(f"{given['salt']}{n}".encode()).hexdigest() == given["challenge"]
    )
    answer = {name: given[name] for name in ("algorithm", "challenge", "salt", "signature")}
    return base64.b64encode(json.dumps({**answer, "number": number}).encode()).decode()


def test_who_asks_again_need_not_prove_again(sites: OpenSites) -> None:
    """A proof is good for one order; under one key it is the same order."""
    (base,), site = sites(1, "always")
    proof = solved(base)
    answers = at_once([lambda: insist(base, key="k", altcha=proof) for _ in range(8)])
    assert {answer.status for answer in answers} == {202}
    assert insist(base, key="k", altcha=solved(base)).json["id"] == answers[0].json["id"]
    assert order(base, key="other", altcha=proof).status == 403
    assert site.queue.count() == {"waiting": 1}


def test_while_the_first_is_answered_the_second_is_told_so(sites: OpenSites) -> None:
    (base,), site = sites(1)
    answers = Queue[Answer]()
    threads = [threading.Thread(target=lambda: answers.put(order(base, key="k"))) for _ in range(2)]
    with site.database.writing() as connection:
        one_writer(connection, _ORDERING)  # SQLite is held by the transaction itself
        for thread in threads:
            thread.start()
        second = answers.get(timeout=_PATIENT)
        assert (second.status, second.json["code"]) == (409, "idempotency-key-in-flight")
        assert int(second.headers["retry-after"]) >= 1
        assert get(base, "/").status == 200
    first = answers.get(timeout=_PATIENT)
    assert first.status == 202 and insist(base, key="k").json["id"] == first.json["id"]
    assert site.queue.count() == {"waiting": 1}


def older(site: Site, seconds: float) -> None:
    with site.database.writing() as connection:
        for table in (orders, order_keys):
            connection.execute(sa.update(table).values(created=table.c.created - seconds))


def test_a_key_is_forgotten_after_a_day(sites: OpenSites) -> None:
    """By itself, whether or not a worker is there that keeps house."""
    (base,), site = sites(1)
    first = order(base, key="k").json["id"]
    older(site, KEYS_KEPT - 60)
    assert order(base, key="k").json["id"] == first
    assert order(base, "owl", key="k").status == 422
    older(site, 120)
    later = order(base, "owl", key="k")
    assert later.status == 202 and later.json["id"] != first
    assert order(base, "owl", key="k").json["id"] == later.json["id"]
    assert site.queue.count() == {"waiting": 2}
