"""What every answer carries, what no request gets past, and whom the site believes."""

import base64
import hashlib
import json
import re
import time
from collections.abc import Callable

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import Scope

from strikebox.site.addresses import client_address, network
from strikebox.site.app import create_app
from strikebox.site.context import Site
from strikebox.site.proof import Proof
from strikebox.site.settings import LimitsSection
from strikebox.site.signing import Signer

OpenSite = Callable[..., Site]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize("path", ["/", "/gallery", "/nothing", "/api/v1/budget", "/healthz", "/openapi.json"])
def test_every_answer_carries_the_headers(web: TestClient, path: str) -> None:
    headers = web.get(path, headers={"Accept": "text/html"}).headers
    assert "max-age=63072000" in headers["strict-transport-security"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "access-control-allow-origin" not in headers
    assert "server" not in headers


def test_pages_have_a_nonce_of_their_own(web: TestClient) -> None:
    answers = [web.get("/gallery") for _ in range(2)]
    nonces = [re.findall(r"'nonce-([^']+)'", a.headers["content-security-policy"])[0] for a in answers]
    assert nonces[0] != nonces[1]
    for answer, nonce in zip(answers, nonces, strict=True):
        scripts = re.findall(r"<script\b[^>]*>", answer.text)
        assert scripts and all(f'nonce="{nonce}"' in script for script in scripts)
        assert answer.headers["cross-origin-opener-policy"] == "same-origin"
        assert not re.search(r"\son\w+=|\sstyle=", answer.text)


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://[x"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://testserver"},
    ],
)
@pytest.mark.parametrize("path", ["/make", "/api/v1/jobs", "/v1/images/generations", "/language"])
def test_other_sites_send_nothing(web: TestClient, site: Site, path: str, headers: dict[str, str]) -> None:
    answer = web.post(path, headers=headers)
    assert answer.status_code == 403 and site.queue.count() == {}


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}])
def test_our_own_pages_send(web: TestClient, headers: dict[str, str]) -> None:
    assert web.post("/api/v1/jobs", json={"subject": "cat"}, headers=headers).status_code == 202


def test_the_cookie_is_signed_and_hidden_from_scripts(web: TestClient, app: FastAPI) -> None:
    made = web.post("/make", data={"subject": "cat"})
    line = made.headers["set-cookie"]
    assert made.status_code == 303
    assert line.startswith("client=") and "HttpOnly" in line and "SameSite=Lax" in line
    secure = TestClient(app, base_url="https://testserver", follow_redirects=False)
    line = secure.post("/make", data={"subject": "cat"}).headers["set-cookie"]
    assert line.startswith("__Host-client=") and "; Secure" in line and "Path=/" in line


@pytest.mark.parametrize("forge", ["x", "0" * 32, f"{'0' * 32}.{'0' * 64}", f"{'0' * 32}.", "." * 300, "é.é"])
def test_a_forged_cookie_is_nobody(web: TestClient, site: Site, forge: str) -> None:
    headers = [(b"Cookie", f"client={forge}".encode("latin-1"))]
    made = web.post("/make", data={"subject": "cat"}, headers=headers)
    assert made.status_code == 303 and "set-cookie" in made.headers
    (job,) = site.queue.lease("t")
    assert job.client != "0" * 32


def test_what_was_signed_for_something_else_is_nobody(web: TestClient, site: Site) -> None:
    id = "1" * 32
    for purpose, known in (("client", True), ("admin", False)):
        web.cookies.clear()
        web.cookies.set("client", Signer.of(site.secret, purpose).sign(id))
        web.post("/make", data={"subject": "cat"})
        (job,) = site.queue.lease("t")
        assert (job.client == id) is known


def test_pages_that_need_no_visitor_set_no_cookie(web: TestClient) -> None:
    for path in ("/gallery", "/hall", "/about", "/api/v1/pictures"):
        assert "set-cookie" not in web.get(path).headers


def scope(peer: str | None, *forwarded: str) -> Scope:
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    return {"type": "http", "client": None if peer is None else (peer, 1), "headers": headers}


@pytest.mark.parametrize(
    ("hops", "peer", "forwarded", "expected"),
    [
        (0, "192.0.2.1", ["6.6.6.6"], "192.0.2.1"),
        (1, "10.0.0.1", ["6.6.6.6, 192.0.2.1"], "192.0.2.1"),
        (2, "10.0.0.1", ["6.6.6.6, 192.0.2.1, 10.0.0.2"], "192.0.2.1"),
        (2, "10.0.0.1", ["6.6.6.6, 192.0.2.1", "10.0.0.2"], "192.0.2.1"),
        (2, "192.0.2.1", ["6.6.6.6"], "192.0.2.1"),
        (1, "10.0.0.1", ["rubbish"], "10.0.0.1"),
        (1, "10.0.0.1", ["[2001:db8::1]:99"], "2001:db8::1"),
        (1, "10.0.0.1", ["192.0.2.1:99"], "192.0.2.1"),
        (1, "10.0.0.1", ["::ffff:192.0.2.1"], "192.0.2.1"),
        (0, None, [], "None"),
    ],
)
def test_only_our_own_proxies_are_believed(
    hops: int, peer: str | None, forwarded: list[str], expected: str
) -> None:
    assert str(client_address(scope(peer, *forwarded), hops)) == expected


def test_neighbours_share_a_network() -> None:
    def of(peer: str) -> str:
        return network(client_address(scope(peer), 0))

    assert of("192.0.2.1") == of("192.0.2.200") != of("192.0.3.1")
    assert of("2001:db8:1:2::1") == of("2001:db8:1:3::1") != of("2001:db8:2::1")


def test_dropping_the_cookie_does_not_help(open_one: OpenSite) -> None:
    limits = LimitsSection(burst=2, proof_of_work="off")
    web = TestClient(create_app(open_one(limits=limits)))
    statuses: list[int] = []
    for _ in range(11):
        web.cookies.clear()
        statuses.append(web.post("/make", data={"subject": "cat"}, follow_redirects=False).status_code)
    assert statuses == [303] * 10 + [429]


def solve(web: TestClient) -> str:
    given = web.get("/api/v1/challenge").json()
    number = next(
        n
        for n in range(given["maxnumber"] + 1)
        if hashlib.sha256(f"{given['salt']}{n}".encode()).hexdigest() == given["challenge"]
    )
    fields = {name: given[name] for name in ("algorithm", "challenge", "salt", "signature")}
    return base64.b64encode(json.dumps({**fields, "number": number}).encode()).decode()


def test_under_pressure_a_solved_challenge_lets_one_order_in(open_one: OpenSite) -> None:
    web = TestClient(create_app(open_one(limits=LimitsSection(queue=2, burst=50))))
    assert web.post("/api/v1/jobs", json={"subject": "cat"}).status_code == 202
    assert web.get("/api/v1/challenge").json()["required"] is True
    refused = web.post("/api/v1/jobs", json={"subject": "cat"})
    assert (refused.status_code, refused.json()["code"]) == (403, "proof-of-work-required")
    answer = solve(web)
    statuses = [
        web.post("/api/v1/jobs", json={"subject": "cat", "altcha": answer}).status_code for _ in range(2)
    ]
    assert statuses == [202, 403], "an answer counts once"


def test_friends_with_a_key_prove_nothing(open_one: OpenSite) -> None:
    site = open_one(limits=LimitsSection(proof_of_work="always"))
    web = TestClient(create_app(site))
    assert web.post("/api/v1/jobs", json={"subject": "cat"}).status_code == 403
    mine = {"Authorization": f"Bearer {site.api_keys.create('friend', 5)}"}
    assert web.post("/api/v1/jobs", json={"subject": "cat"}, headers=mine).status_code == 202


@pytest.mark.parametrize(
    "answer",
    ["", "x", "bnVsbA==", "W10=", base64.b64encode(b"[" * 1400).decode(), base64.b64encode(b"{}").decode()],
)
def test_what_is_no_solution_is_none(answer: str) -> None:
    assert not Proof("key", lambda _: True).is_solved(answer)


def test_a_solution_does_not_outlive_its_challenge() -> None:
    now = time.time()
    given = Proof("key", lambda _: True, clock=lambda: now - 3600).challenge()
    number = next(
        n
        for n in range(60_001)
        if hashlib.sha256(f"{given['salt']}{n}".encode()).hexdigest() == given["challenge"]
    )
    stale = base64.b64encode(json.dumps({**given, "number": number}).encode()).decode()
    assert not Proof("key", lambda _: True).is_solved(stale)


def test_browsers_report_violations(web: TestClient) -> None:
    report = {"csp-report": {"blocked-uri": "https://evil.example"}}
    sent = web.post(
        "/csp-reports", content=json.dumps(report), headers={"Content-Type": "application/csp-report"}
    )
    assert sent.status_code == 204
    assert "strikebox_csp_reports_total 1.0" in web.get("/metrics").text
