"""The JSON API on a real database, from the outside."""

import hashlib
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from strikebox.site.context import Site
from strikebox.site.pictures import Picture

Finish = Callable[..., Picture]
PROBLEM = "application/problem+json"


def order(web: TestClient, subject: str = "cat", headers: dict[str, str] | None = None) -> str:
    answer = web.post("/api/v1/jobs", json={"subject": subject}, headers=headers)
    assert answer.status_code == 202, answer.text
    return answer.json()["id"]


def test_an_order_becomes_a_job_and_then_a_picture(web: TestClient, finish: Finish) -> None:
    answer = web.post("/api/v1/jobs", json={"subject": "cat", "seed": 7})
    job = answer.json()
    assert answer.status_code == 202 and answer.headers["location"] == job["links"]["self"]
    assert (job["state"], job["ahead"], job["picture"]) == ("waiting", 0, None)
    finish()
    done = web.get(job["links"]["self"]).json()
    assert done["state"] == "done" and done["picture"] == job["id"]
    picture = web.get(done["links"]["picture"]).json()
    assert (picture["subject"], picture["seed"], picture["votes"]) == ("cat", 7, 0)
    assert picture["links"]["png"].endswith(f"/pictures/{job['id']}.png")


def test_an_order_under_the_same_key_is_the_same_order(web: TestClient) -> None:
    key = {"Idempotency-Key": "one"}
    assert order(web, headers=key) == order(web, headers=key)
    other = web.post("/api/v1/jobs", json={"subject": "owl"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-reused")


def test_pages_of_pictures_follow_one_another(web: TestClient, finish: Finish) -> None:
    for subject in ("red fox", "red owl", "blue cat"):
        order(web, subject)
        finish()
    first = web.get("/api/v1/pictures?limit=2")
    assert [p["subject"] for p in first.json()["pictures"]] == ["blue cat", "red owl"]
    second = web.get(first.links["next"]["url"]).json()
    assert [p["subject"] for p in second["pictures"]] == ["red fox"] and second["after"] is None
    found = web.get("/api/v1/pictures", params={"q": "RED f"}).json()["pictures"]
    assert [p["subject"] for p in found] == ["red fox"]


def test_votes_count_once_and_are_taken_back(web: TestClient, finish: Finish) -> None:
    order(web)
    vote = f"/api/v1/pictures/{finish().id}/vote"
    assert [web.put(vote).json()["votes"] for _ in range(2)] == [1, 1]
    assert web.delete(vote).json()["votes"] == 0


def test_a_report_reaches_the_operator(web: TestClient, site: Site, finish: Finish) -> None:
    order(web)
    picture = finish()
    sent = {"reason": "copied", "text": "seen before"}
    assert web.post(f"/api/v1/pictures/{picture.id}/reports", json=sent).status_code == 201
    (report,) = site.reports.open()
    assert (report.picture, report.reason, report.text) == (picture.id, "copied", "seen before")


def test_only_its_maker_deletes_a_picture(web: TestClient, site: Site, finish: Finish) -> None:
    secret = site.api_keys.create("friend", 10)
    mine = {"Authorization": f"Bearer {secret}"}
    order(web, headers=mine)
    place = f"/api/v1/pictures/{finish().id}"
    assert web.delete(place).json()["code"] == "not-yours"
    assert web.delete(place, headers=mine).status_code == 204
    assert (web.get(place).status_code, web.get(place).json()["code"]) == (410, "deleted")


def test_only_who_ordered_cancels(web: TestClient, site: Site) -> None:
    mine = {"Authorization": f"Bearer {site.api_keys.create('friend', 10)}"}
    place = f"/api/v1/jobs/{order(web, headers=mine)}"
    assert web.post(f"{place}/cancel").json()["code"] == "not-yours"
    assert web.post(f"{place}/cancel", headers=mine).json()["state"] == "cancelled"
    assert web.post(f"{place}/cancel", headers=mine).json()["code"] == "job-over"
    assert site.budget.today().reserved == 0


def test_a_key_has_its_own_quota(web: TestClient, site: Site) -> None:
    mine = {"Authorization": f"Bearer {site.api_keys.create('friend', 2)}"}
    for _ in range(2):
        order(web, headers=mine)
    third = web.post("/api/v1/jobs", json={"subject": "cat"}, headers=mine)
    assert (third.status_code, third.json()["code"]) == (429, "too-many")
    assert int(third.headers["retry-after"]) > 80_000
    order(web)


@pytest.mark.parametrize("header", ["Bearer sk-strikebox-forged", "Basic YTpi", "x"])
def test_a_wrong_key_is_refused(web: TestClient, header: str) -> None:
    answer = web.post("/api/v1/jobs", json={"subject": "cat"}, headers={"Authorization": header})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid-api-key")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_revoked_key_is_refused(web: TestClient, site: Site) -> None:
    secret = site.api_keys.create("friend", 2)
    site.api_keys.revoke(site.api_keys.all()[0].id)
    mine = {"Authorization": f"Bearer {secret}"}
    assert web.post("/api/v1/jobs", json={"subject": "cat"}, headers=mine).status_code == 401


def test_the_budget_is_told(web: TestClient) -> None:
    before = web.get("/api/v1/budget").json()
    order(web)
    after = web.get("/api/v1/budget").json()
    assert before["reserved"] == 0 < after["reserved"]
    assert after["left"] == pytest.approx(after["limit"] - after["reserved"])


def test_a_challenge_can_be_solved(web: TestClient) -> None:
    given = web.get("/api/v1/challenge").json()
    numbers = range(given["maxnumber"] + 1)
    solved = [
        n for n in numbers if hashlib.sha256(f"{given['salt']}{n}".encode()).hexdigest() == given["challenge"]
    ]
    assert len(solved) == 1 and given["required"] is False


def test_a_job_can_be_looked_at_by_its_id_alone(web: TestClient) -> None:
    id = order(web)
    for wrong in (id[:-1] + ("0" if id[-1] != "0" else "1"), "x", "%00", "0" * 33):
        assert web.get(f"/api/v1/jobs/{wrong}").json()["code"] == "not-found"
