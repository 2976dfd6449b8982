"""The corpus through every door: no answer of 500 and above, nothing run, nothing told, nothing injected."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import corpus
import doors
import pytest
from doors import Knock
from fastapi import FastAPI
from figures import Note
from filled import fill, hang, opened
from httpx2 import Client
from served import serving_app

from strikebox.site import limits, openai
from strikebox.site.app import create_app
from strikebox.site.passwords import hash_password
from strikebox.site.settings import AdminSection, BudgetSection, LimitsSection

_PASSWORD = "correct horse"
_FEW = 700  # knocks of the short form
_ROOMY = LimitsSection(burst=10**6, per_day=10**6, network_per_day=10**6, queue=10**6, proof_of_work="off")
# What is not ours to decide: oEmbed asks for 501 on other formats, OpenAI's clients wait for a picture.
_MEANT = {(501, "/oembed"), (504, "/v1/images/generations")}

_MARKUP = re.compile(rb"<script>trap|<svg/onload=trap|onerror=trap\(\)>|onfocus=\"trap|<b data-hx-on")


@dataclass(frozen=True, slots=True)
class House:
    app: FastAPI
    base: str
    picture: str
    cookie: str  # an operator's


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A site with a picture, and an operator who is logged in."""
    for limit in ("ACTS", "NOTES"):
        monkeypatch.setattr(limits, limit, limits.Limit(10**6, limits.MINUTE))
    monkeypatch.setattr(limits, "LOGINS", (limits.Limit(10**6, limits.MINUTE),))
    monkeypatch.setattr(openai, "LONGEST_WAIT", 0.05)
    site = opened(
        tmp_path,
        limits=_ROOMY,
        budget=BudgetSection(dollars_per_day=10**6),
        admin=AdminSection(password_hash=hash_password(_PASSWORD)),
    )
    (id,) = fill(site, ["fox"])
    hang(site, id)
    app = create_app(site)
    with serving_app(app) as base:
        yield House(app, base, id, _logged_in(base))
    site.close()


def _logged_in(base: str) -> str:
    with Client(base_url=base) as client:
        told = client.post("/admin/login", data={"password": _PASSWORD})
        assert told.status_code == 303
        return told.headers["set-cookie"].partition(";")[0]


def wrong(knock: Knock, answer: bytes) -> str | None:
    """What must not be in an answer; None where all is well."""
    if answer == b"":
        return None  # it was no HTTP, and the line was cut
    head, _, body = answer.partition(b"\r\n\r\n")
    status = int(head.split()[1])
    path = knock.sent.split()[1].split(b"?")[0].decode(errors="replace")
    if status >= 500 and (status, path) not in _MEANT:
        return f"answered with {status}"
    if re.search(rb"(?im)^%s:" % corpus.INJECTED.encode(), head):
        return "set a header"
    for told in (b"Traceback (most recent", b"root:x:0:0", b"site.sqlite", corpus.SPELT_OUT.encode()):
        if told in answer:
            return f"told {told!r}"
    if b"content-type: text/html" in head.lower() and _MARKUP.search(body):
        return "put markup on a page"
    return None


def test_nothing_gets_in(house: House, full: bool, dice: Random, note: Note) -> None:
    everything = list(doors.knocks(house.app, house.picture, house.cookie))
    chosen = everything if full else dice.sample(everything, _FEW)
    found: Counter[str] = Counter()
    first: dict[str, str] = {}
    for knock in chosen:
        said = wrong(knock, doors.answer(house.base, knock.sent))
        if said is not None:
            found[f"{knock.door.split(':')[0]} {said}"] += 1
            first.setdefault(said, knock.door)
    assert found == {}, first
    with Client(base_url=house.base) as client:
        assert client.get("/healthz").status_code == client.get("/gallery").status_code == 200
    number = len({knock.door.split(":")[0] for knock in everything})
    note("bad-input", requests=len(chosen), doors=number, texts=len(corpus.TEXTS), answers_of_500_and_above=0)
