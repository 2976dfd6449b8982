"""The admin pages on a real database: who gets in, what they do, what the log says of it."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

import strikebox.site.admin
from strikebox.errors import SettingsError
from strikebox.site.app import create_app
from strikebox.site.context import Site
from strikebox.site.passwords import check_hash, check_password, hash_password
from strikebox.site.pictures import Picture
from strikebox.site.settings import AdminSection, LimitsSection

Finish = Callable[..., Picture]
OpenSite = Callable[..., Site]
PASSWORD = "correct horse"
PAGES = ("", "/queue", "/reports", "/pictures", "/pictures?state=public", "/hall", "/votes", "/keys", "/log")


@pytest.fixture
def admin(web: TestClient) -> TestClient:
    """In charge."""
    answer = web.post("/admin/login", data={"password": PASSWORD})
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin")
    return web


def made(web: TestClient, finish: Finish, state: str = "public") -> Picture:
    assert web.post("/api/v1/jobs", json={"subject": "red <fox>"}).status_code == 202
    return finish(state)


@pytest.mark.parametrize("page", PAGES)
def test_nobody_else_gets_in(web: TestClient, page: str) -> None:
    answer = web.get(f"/admin{page}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/admin/login")


def test_nobody_else_does_anything(web: TestClient, site: Site, finish: Finish) -> None:
    picture = made(web, finish)
    acts = (
        f"pictures/{picture.id}/take-down",
        f"hall/{picture.id}/admit",
        "keys",
        "votes/discard",
        "reports/1/close",
    )
    for act in acts:
        assert web.post(f"/admin/{act}", data={"name": "x", "per_day": "1"}).status_code == 303
    assert site.pictures.public(picture.id).hall is None
    assert site.log.read() == [] and site.api_keys.all() == []


@pytest.mark.parametrize("cookie", ["x", "99999999999", f"99999999999.{'0' * 64}"])
def test_a_forged_session_is_none(web: TestClient, cookie: str) -> None:
    web.cookies.set("admin", cookie)
    assert web.get("/admin").status_code == 303


def test_a_session_ends(admin: TestClient) -> None:
    assert admin.get("/admin").status_code == 200
    cookie = admin.cookies["admin"]
    assert admin.post("/admin/logout").status_code == 303
    assert admin.get("/admin").status_code == 303
    admin.cookies.set("admin", cookie.replace(cookie.partition(".")[0], "1000000000"))
    assert admin.get("/admin").status_code == 303


def test_another_password_ends_all_sessions(admin: TestClient, open_one: OpenSite) -> None:
    other = open_one(admin=AdminSection(password_hash=hash_password("another one")))
    web = TestClient(create_app(other), follow_redirects=False, cookies={"admin": admin.cookies["admin"]})
    assert web.get("/admin").status_code == 303


def test_the_cookie_is_strict(web: TestClient) -> None:
    line = web.post("/admin/login", data={"password": PASSWORD}).headers["set-cookie"]
    assert "HttpOnly" in line and "SameSite=Strict" in line


def test_guessing_is_slowed_down(web: TestClient, site: Site) -> None:
    statuses = [web.post("/admin/login", data={"password": f"guess {n}"}).status_code for n in range(6)]
    assert statuses == [403] * 5 + [429] and site.log.read() == []


def test_without_a_password_there_are_no_admin_pages(open_one: OpenSite) -> None:
    web = TestClient(create_app(open_one(admin=AdminSection())), follow_redirects=False)
    assert [web.get(path).status_code for path in ("/admin", "/admin/login")] == [404, 404]


def test_a_trusted_proxy_names_who_is_in_charge(open_one: OpenSite) -> None:
    section = AdminSection(proxy_header="X-User")
    site = open_one(admin=section, limits=LimitsSection(trusted_hops=1))
    web = TestClient(create_app(site), follow_redirects=False)
    assert web.get("/admin").status_code == 403
    assert "anna" in web.get("/admin", headers={"X-User": "anna"}).text
    web.post("/admin/keys", data={"name": "boris", "per_day": "5"}, headers={"X-User": "anna"})
    assert [(entry.who, entry.act, entry.target) for entry in site.log.read()] == [
        ("anna", "create key", "boris")
    ]


def test_a_header_that_anybody_could_send_is_not_believed(open_one: OpenSite) -> None:
    web = TestClient(create_app(open_one(admin=AdminSection(proxy_header="X-User"))), follow_redirects=False)
    assert web.get("/admin", headers={"X-User": "anna"}).status_code == 404


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("page", PAGES)
def test_every_page_shows_in_every_language(
    admin: TestClient, site: Site, finish: Finish, page: str, language: str
) -> None:
    public, withheld = made(admin, finish), made(admin, finish, "withheld")
    admin.put(f"/api/v1/pictures/{public.id}/vote")
    site.reports.file(public.id, "somebody", "other", "<b>why</b>")
    site.workers.beat("toy", "cpu", "toy", 0)
    site.api_keys.create("friend", 3)
    admin.post("/api/v1/jobs", json={"subject": "waits"})
    answer = admin.get(f"/admin{page}", headers={"Accept-Language": language})
    assert answer.status_code == 200 and f'lang="{language}"' in answer.text
    assert "<fox>" not in answer.text and "<b>why" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert not re.search(r"\son\w+=|\sstyle=", answer.text)
    assert (
        admin.get(f"/admin/pictures/{withheld.id}", headers={"Accept-Language": language}).status_code == 200
    )


def test_languages_say_the_same_things() -> None:
    folder = Path(strikebox.site.admin.__file__).parent / "words"
    words = {path.stem: json.loads(path.read_text("utf-8")) for path in folder.glob("*.json")}
    assert words["en"].keys() == words["ru"].keys()
    for key, text in words["en"].items():
        assert sorted(re.findall(r"{\w+}", text)) == sorted(re.findall(r"{\w+}", words["ru"][key])), key


def test_a_reported_picture_is_taken_down_and_shown_again(
    admin: TestClient, site: Site, finish: Finish
) -> None:
    picture = made(admin, finish)
    site.reports.file(picture.id, "somebody", "copied", "seen before")
    assert "seen before" in admin.get("/admin/reports").text
    sent = {"why": "a copy", "from": "reports"}
    down = admin.post(f"/admin/pictures/{picture.id}/take-down", data=sent)
    assert down.headers["location"] == "/admin/reports?told=taken_down"
    assert "taken down" in admin.get(down.headers["location"]).text
    assert admin.get(f"/api/v1/pictures/{picture.id}").json()["code"] == "taken-down"
    assert admin.get(f"/pictures/{picture.id}.png").status_code in (404, 410)
    assert admin.get(f"/admin/pictures/{picture.id}/file").content.startswith(b"\x89PNG")
    assert site.reports.open() == []
    admin.post(f"/admin/pictures/{picture.id}/restore", data={"why": "a mistake"})
    assert admin.get(f"/api/v1/pictures/{picture.id}").status_code == 200
    acts = [(entry.act, entry.who, entry.why) for entry in site.log.read(target=picture.id)]
    assert acts == [("restore", "operator", "a mistake"), ("take down", "operator", "a copy")]
    assert admin.post(f"/admin/pictures/{picture.id}/restore", data={}).status_code == 404


def test_a_report_is_closed(admin: TestClient, site: Site, finish: Finish) -> None:
    report = site.reports.file(made(admin, finish).id, "somebody", "other")
    assert admin.post(f"/admin/reports/{report}/close", data={"why": "fine"}).status_code == 303
    assert site.reports.open() == []
    for wrong in (report, 10**9, 10**30, "x"):
        assert admin.post(f"/admin/reports/{wrong}/close", data={}).status_code in (404, 422)


def test_the_hall_is_curated(admin: TestClient, site: Site, finish: Finish) -> None:
    picture = made(admin, finish)
    admin.put(f"/api/v1/pictures/{picture.id}/vote")
    assert f"/admin/hall/{picture.id}/admit" in admin.get("/admin/hall").text
    admin.post(f"/admin/hall/{picture.id}/admit", data={})
    assert site.pictures.public(picture.id).hall is not None
    assert [job.kind for job in site.queue.lease("t")] == ["enlargement"]
    assert f"/admin/hall/{picture.id}/dismiss" in admin.get("/admin/hall").text
    admin.post(f"/admin/hall/{picture.id}/dismiss", data={})
    assert site.pictures.public(picture.id).hall is None


def test_a_job_is_cancelled(admin: TestClient, site: Site) -> None:
    id = admin.post("/api/v1/jobs", json={"subject": "cat"}).json()["id"]
    assert admin.post(f"/admin/queue/{id}/cancel", data={}).headers["location"].endswith("told=cancelled")
    assert admin.post(f"/admin/queue/{id}/cancel", data={}).headers["location"].endswith("told=over")
    assert site.queue.count() == {"cancelled": 1} and site.budget.today().reserved == 0


def test_votes_of_a_robot_are_discarded(admin: TestClient, site: Site, finish: Finish) -> None:
    pictures = [made(admin, finish) for _ in range(3)]
    for picture in pictures:
        site.votes.cast(picture.id, "robot")
    site.votes.cast(pictures[0].id, "visitor")
    assert "robot" in admin.get("/admin/votes").text
    admin.post("/admin/votes/discard", data={"client": "robot", "why": "a robot"})
    assert [site.pictures.public(picture.id).votes for picture in pictures] == [1, 0, 0]
    assert site.votes.total() == 1 and site.log.read()[0].act == "discard votes"


def test_a_key_is_made_once_and_revoked(admin: TestClient, site: Site) -> None:
    page = admin.post("/admin/keys", data={"name": "Анна", "per_day": "3"})
    (secret,) = re.findall(r"sk-strikebox-[\w-]+", page.text)
    key = site.api_keys.check(secret)
    assert key is not None and (key.name, key.per_day) == ("Анна", 3)
    assert secret not in admin.get("/admin/keys").text
    admin.post(f"/admin/keys/{key.id}/revoke", data={})
    assert site.api_keys.check(secret) is None
    for wrong in (
        {"name": "", "per_day": "3"},
        {"name": "x", "per_day": "-1"},
        {"name": "x", "per_day": "²"},
    ):
        assert admin.post("/admin/keys", data=wrong).status_code == 422


def test_the_password_is_kept_as_a_hash() -> None:
    hashed = hash_password(PASSWORD)
    assert hashed.startswith("scrypt$32768$8$3$") and PASSWORD not in hashed
    assert hashed != hash_password(PASSWORD)
    assert check_password(PASSWORD, hashed) and not check_password(PASSWORD + " ", hashed)


@pytest.mark.parametrize(
    "hashed", ["", "plain", "scrypt$1$8$1$$", "scrypt$33$8$1$aaaa$aaaa", "scrypt$x$8$1$a$a"]
)
def test_what_is_no_hash_is_refused(hashed: str) -> None:
    with pytest.raises(SettingsError, match="hash-password"):
        check_hash(hashed)


@pytest.mark.parametrize("password", ["", "short", "x" * 2000])
def test_passwords_that_are_none(password: str) -> None:
    with pytest.raises(SettingsError):
        hash_password(password)
