"""Whatever is sent, the site says what is wrong, and nothing breaks or is lost."""

import errno
import os
from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

import pytest
from fastapi.testclient import TestClient

from strikebox.site.app import create_app
from strikebox.site.context import Site
from strikebox.site.pictures import Picture
from strikebox.site.settings import BudgetSection, LimitsSection

Finish = Callable[..., Picture]
OpenSite = Callable[..., Site]
Events = list[MutableMapping[str, Any]]
ZERO = "0" * 32

MALFORMED = {
    "empty": "",
    "blank": " \t\n ",
    "huge": "c" * 201,
    "very huge": "c" * 60_000,
    "control": "cat\x00dog",
    "escape": "cat\x1b[31m",
    "bidirectional": "cat\u202egod",
    "isolate": "\u2066cat\u2069",
    "paragraph": "cat\u2029dog",
}
HARMLESS = {
    "markup": "<script>alert(1)</script>",
    "attribute": '"><img src=x onerror=alert(1)>',
    "template": "{{ 7 * 7 }}",
    "statement": "{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "format": "{subject.__class__} %s %n $" + "{7*7}",
    "sql": "'; DROP TABLE pictures; --",
    "like": "100% cat_ \\",
    "path": "../../etc/passwd",
    "astral": "🦊" * 20,
    "combining": "c" + "\u0301" * 150,
}


@pytest.mark.parametrize("subject", MALFORMED.values(), ids=MALFORMED.keys())
def test_subjects_that_cannot_be_drawn(web: TestClient, site: Site, subject: str) -> None:
    told = web.post("/api/v1/jobs", json={"subject": subject})
    assert told.status_code == 422 and told.json()["code"] in ("invalid-subject", "invalid-request")
    assert told.headers["content-type"] == "application/problem+json"
    page = web.post("/make", data={"subject": subject})
    assert page.status_code in (413, 422) and "text/html" in page.headers["content-type"]
    theirs = web.post("/v1/images/generations", json={"prompt": subject})
    assert theirs.status_code == 400 and theirs.json()["error"]["type"] == "invalid_request_error"
    assert site.queue.count() == {}


@pytest.mark.parametrize("subject", HARMLESS.values(), ids=HARMLESS.keys())
def test_subjects_that_only_look_dangerous(web: TestClient, finish: Finish, subject: str) -> None:
    ordered = web.post("/api/v1/jobs", json={"subject": subject})
    assert ordered.status_code == 202
    picture = finish()
    assert web.get(f"/api/v1/pictures/{picture.id}").json()["subject"] == picture.subject
    for path in (f"/pictures/{picture.id}", "/gallery", "/feed.atom"):
        page = web.get(path)
        assert page.status_code == 200 and "<script>alert" not in page.text and "<img src=x" not in page.text
    found = web.get("/api/v1/pictures", params={"q": subject[:200]})
    assert found.status_code == 200
    assert web.get("/gallery", params={"q": subject[:200]}).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"cat"',
        b"\xff\xfe",
        b'{"subject": 7}',
        b'{"subject": null}',
        b'{"subject": "\\ud800"}',
        b'{"subject": "cat", "\\ud800": 1}',
        b'{"subject": "cat", "admin": true}',
        b'{"subject": "cat", "seed": -1}',
        b'{"subject": "cat", "seed": 1e400}',
        b'{"subject": "cat", "seed": NaN}',
        b'{"subject": "cat", "seed": "7"}',
        b'{"subject": "cat", "seed": ' + b"9" * 5000 + b"}",
        b"[" * 60_000,
        b'{"a":' * 10_000,
    ],
)
@pytest.mark.parametrize("path", ["/api/v1/jobs", "/v1/images/generations"])
def test_bodies_that_are_no_order(web: TestClient, site: Site, path: str, body: bytes) -> None:
    told = web.post(path, content=body, headers={"Content-Type": "application/json"})
    assert told.status_code in (400, 422), told.text
    assert site.queue.count() == {}


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/xml", "", "ж"]
)
@pytest.mark.parametrize("path", ["/api/v1/jobs", "/v1/images/generations", "/make", "/admin/login"])
def test_content_types_that_are_not_taken(web: TestClient, path: str, kind: str) -> None:
    told = web.post(path, content=b'{"subject": "cat"}', headers=[(b"Content-Type", kind.encode())])
    assert told.status_code == 415


@pytest.mark.parametrize("path", ["/api/v1/jobs", "/make", "/csp-reports", "/admin/login"])
def test_bodies_that_are_too_large(web: TestClient, path: str) -> None:
    kind = "application/json" if "api" in path else "application/x-www-form-urlencoded"
    kind = "application/csp-report" if "csp" in path else kind
    headers = {"Content-Type": kind}
    assert web.post(path, content=b"x" * 70_000, headers=headers).status_code == 413

    def endless() -> Iterator[bytes]:
        for _ in range(100):
            yield b"x" * 1000

    assert web.post(path, content=endless(), headers=headers).status_code == 413


@pytest.mark.parametrize(
    "path",
    [
        f"/api/v1/jobs/{ZERO}",
        f"/api/v1/pictures/{ZERO}",
        f"/jobs/{ZERO}",
        f"/jobs/{ZERO}/events",
        f"/pictures/{ZERO}",
        f"/pictures/{ZERO}.png",
        "/pictures/..%2f..%2fetc%2fpasswd.png",
        "/static/..%2f..%2fapp.py",
        "/pictures/%00",
        "/jobs/%ff%fe",
        "/%E2%80%AE",
        "/admin/nothing",
        "/api/v1/nothing",
        "/v1/nothing",
        "/" + "x" * 5000,
    ],
)
def test_addresses_that_lead_nowhere(web: TestClient, path: str) -> None:
    told = web.get(path, headers={"Accept": "text/html"})
    assert told.status_code in (303, 404, 422), told.status_code
    assert "Traceback" not in told.text


@pytest.mark.parametrize(
    "query", ["sort=x", "after=x", "after=bnVsbA", "limit=0", "limit=x", "limit=9999", "q=" + "x" * 201]
)
def test_queries_that_make_no_sense(web: TestClient, query: str) -> None:
    told = web.get(f"/api/v1/pictures?{query}")
    assert told.status_code == 422 and told.json()["code"] in ("invalid-request", "invalid-cursor")
    assert web.get(f"/gallery?{query}", headers={"Accept": "text/html"}).status_code < 500


@pytest.mark.parametrize("host", ["evil.example/path", "a b", "[", "x" * 300 + "!", "évil"])
def test_hosts_that_are_none(web: TestClient, host: str) -> None:
    assert web.get("/", headers=[(b"Host", host.encode())]).status_code == 400


@pytest.mark.parametrize("key", ["", " ", "k" * 201, "ключ"])
def test_idempotency_keys_that_are_none(web: TestClient, key: str) -> None:
    headers = [(b"Idempotency-Key", key.encode())]
    told = web.post("/api/v1/jobs", json={"subject": "cat"}, headers=headers)
    assert told.status_code == 422


def test_methods_that_are_not_taken(web: TestClient) -> None:
    told = web.put("/api/v1/jobs", json={})
    assert (told.status_code, told.headers["allow"], told.json()["code"]) == (
        405,
        "POST",
        "method-not-allowed",
    )
    assert web.request("BREW", "/gallery").status_code == 405


def test_a_spent_budget_is_told_and_nothing_is_ordered(open_one: OpenSite) -> None:
    site = open_one(budget=BudgetSection(dollars_per_day=0.0))
    web = TestClient(create_app(site))
    told = web.post("/api/v1/jobs", json={"subject": "cat"})
    assert (told.status_code, told.json()["code"]) == (503, "budget-spent")
    assert 0 < int(told.headers["retry-after"]) <= 86_400 and site.queue.count() == {}


def test_a_full_queue_is_told(open_one: OpenSite) -> None:
    site = open_one(limits=LimitsSection(queue=1, burst=100, proof_of_work="off"))
    web = TestClient(create_app(site))
    statuses = [web.post("/api/v1/jobs", json={"subject": "cat"}).json() for _ in range(2)]
    assert statuses[1]["code"] == "queue-full" and site.queue.count() == {"waiting": 1}


def damage(site: Site) -> None:
    """The database's file is rubbish from now on, for connections that are open too."""
    site.database.close()
    for suffix in ("-wal", "-shm"):
        site.settings.storage.folder.joinpath(f"site.sqlite{suffix}").unlink(missing_ok=True)
    site.settings.storage.folder.joinpath("site.sqlite").write_bytes(os.urandom(65_536))


@pytest.mark.parametrize(
    "path", ["/", "/gallery", f"/pictures/{ZERO}", "/api/v1/pictures", "/api/v1/budget", "/readyz"]
)
def test_a_database_that_cannot_be_read(web: TestClient, site: Site, path: str) -> None:
    damage(site)
    told = web.get(path, headers={"Accept": "text/html"})
    assert told.status_code == 503
    assert "sqlite" not in told.text and "Traceback" not in told.text


def test_orders_into_a_database_that_cannot_be_read(web: TestClient, site: Site) -> None:
    damage(site)
    told = web.post("/api/v1/jobs", json={"subject": "cat"})
    assert (told.status_code, told.json()["code"]) == (503, "database-unavailable")
    assert told.json()["reference"] and "retry-after" in told.headers
    assert web.post("/make", data={"subject": "cat"}).status_code == 503
    assert web.get("/healthz").status_code == 200
    assert "strikebox_database_up 0.0" in web.get("/metrics").text


def test_a_full_disk(web: TestClient, site: Site, finish: Finish) -> None:
    """SQLite says so when it cannot grow; the order is refused whole, and later ones are taken."""
    web.post("/api/v1/jobs", json={"subject": "cat"})
    picture = finish()
    with site.database.writing() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    told = []
    for _ in range(200):
        told.append(web.post("/api/v1/jobs", json={"subject": "cat" * 60}))
        if told[-1].status_code != 202:
            break
    assert told[-1].json()["code"] == "database-unavailable"
    assert site.queue.count()["waiting"] == len(told) - 1, "what was promised is there, the rest is not"
    assert web.get(f"/api/v1/pictures/{picture.id}").status_code == 200
    with site.database.writing() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert web.post("/api/v1/jobs", json={"subject": "cat"}).status_code == 202


def test_a_disk_that_is_nearly_full_is_not_ready(web: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert web.get("/readyz").json()["ready"] is True

    def full(_: object) -> object:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr("strikebox.site.operations.shutil.disk_usage", full)
    told = web.get("/readyz")
    assert told.status_code == 503 and told.json()["storage"] is False


def test_files_that_are_gone(web: TestClient, site: Site, finish: Finish) -> None:
    web.post("/api/v1/jobs", json={"subject": "cat"})
    picture = finish()
    site.media.delete(picture.file)
    told = web.get(f"/pictures/{picture.id}.png", headers={"Accept": "text/html"})
    assert told.status_code in (404, 503) and "Traceback" not in told.text


def test_what_nobody_foresaw_has_a_reference_and_no_traceback(
    web: TestClient, site: Site, monkeypatch: pytest.MonkeyPatch, events: Events
) -> None:
    def broken(_: object) -> None:
        raise ZeroDivisionError("secret detail")

    monkeypatch.setattr(type(site.budget), "today", broken)
    told = web.get("/api/v1/budget", headers={"X-Forwarded-For": "192.0.2.77"})
    assert (told.status_code, told.json()["code"]) == (500, "internal")
    (event,) = [event for event in events if event["event"] == "problem"]
    assert event["reference"] == told.json()["reference"] and event["error"] == "secret detail"
    assert "secret detail" not in told.text
    assert "content-security-policy" in told.headers
