"""Pages as a browser without scripts gets them: what they say, how large they are, what they cost."""

import io
import re
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient
from filled import MODEL, SIDE, fill, hang, opened, publish
from PIL import Image
from sqlalchemy import event

from strikebox.jobs.schema import days
from strikebox.site.app import create_app
from strikebox.site.context import Site
from strikebox.site.settings import BudgetSection
from strikebox.site.templates_env import STATIC

ATOM = "{http://www.w3.org/2005/Atom}"
SUBJECTS = [*(f"owl number {n}" for n in range(30)), "рыжая лиса", "cat <b>bold</b> {{ 7 * 7 }}"]
PAGES = ("/", "/gallery", "/gallery?q=owl&sort=ever", "/hall", "/about", "/policy", "/docs/api", "/nowhere")
LARGEST = 100_000  # bytes of a page without its pictures


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = opened(tmp_path)
    yield site
    site.close()


@pytest.fixture
def ids(site: Site) -> list[str]:
    found = fill(site, SUBJECTS)
    hang(site, found[3])
    return found


@pytest.fixture
def browser(site: Site, ids: list[str]) -> TestClient:
    return TestClient(create_app(site, MODEL), headers={"accept": "text/html"}, follow_redirects=False)


def order(browser: TestClient, subject: str = "cat", **fields: str) -> str:
    """The address that an order leads to."""
    answer = browser.post("/make", data={"subject": subject, **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("path", PAGES)
def test_pages_are_whole_small_and_in_the_language_asked_for(
    browser: TestClient, path: str, language: str
) -> None:
    answer = browser.get(path, headers={"accept-language": language})
    assert answer.status_code == (404 if path == "/nowhere" else 200)
    assert f'<html lang="{language}">' in answer.text
    assert "Accept-Language" in answer.headers["vary"]
    page = Read(answer.text)
    assert page.open == [], "every element is closed"
    assert page.inline == [], "the CSP forbids style attributes and handlers"
    assert page.unsigned == 0, "every script carries the nonce"
    assert (
        sum(len(browser.get(address).content) for address in page.assets) + len(answer.content) < LARGEST * 2
    )
    assert gzipped(browser, path, page) < LARGEST


def gzipped(browser: TestClient, path: str, page: "Read") -> int:
    """Bytes over the wire, with every font that any language needs."""
    fonts = [f"/static/{path.relative_to(STATIC)}" for path in STATIC.glob("fonts/*.woff2")]
    total = 0
    for address in (path, *page.assets, *fonts):
        with browser.stream("GET", address) as answer:
            total += sum(len(chunk) for chunk in answer.iter_raw())
    return total


def test_the_number_of_queries_does_not_grow_with_the_pictures(
    site: Site, browser: TestClient, ids: list[str]
) -> None:
    asked: list[str] = []
    engine = site.database._reader  # pyright: ignore[reportPrivateUsage]
    event.listen(engine, "before_cursor_execute", lambda *args: asked.append(args[2]))
    for path in ("/", "/gallery", "/hall", f"/pictures/{ids[0]}"):
        asked.clear()
        browser.get(path)
        selects = [words for words in asked if words.startswith("SELECT")]
        assert 0 < len(selects) <= 3, (path, selects)


def test_what_visitors_type_is_text(browser: TestClient, ids: list[str]) -> None:
    for path in ("/gallery", f"/pictures/{ids[-1]}", "/gallery?q=<script>alert(1)</script>{{7*7}}"):
        text = browser.get(path).text
        assert "<b>bold</b>" not in text and "<script>alert" not in text and "49" not in text.split("main")[1]
    assert "cat &lt;b&gt;bold&lt;/b&gt; {{ 7 * 7 }}" in browser.get(f"/pictures/{ids[-1]}").text


def test_an_order_leads_to_its_job(site: Site, browser: TestClient) -> None:
    place = order(browser, "  fox ", seed="7")
    page = browser.get(place)
    assert page.status_code == 200 and "fox" in page.text and 'http-equiv="refresh"' in page.text
    job = site.queue.find(place.removeprefix("/jobs/"))
    assert job is not None and job.payload == {"subject": "fox", "seed": 7}


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({"subject": ""}, 422),
        ({}, 422),
        ({"subject": "x" * 201}, 422),
        ({"subject": "a\u202eb"}, 422),
        ({"subject": "a\x00b"}, 422),
        ({"subject": "porn"}, 422),
        ({"subject": "cat", "seed": "-1"}, 422),
        ({"subject": "cat", "seed": "4294967296"}, 422),
        ({"subject": "cat", "seed": "'; DROP TABLE jobs; --"}, 422),
        ({"subject": "x" * 20_000}, 413),
        ({f"f{n}": "x" for n in range(50)}, 400),
    ],
)
def test_an_order_that_cannot_be_taken_says_why_and_keeps_what_was_typed(
    site: Site, browser: TestClient, fields: dict[str, str], status: int
) -> None:
    before = site.queue.count()
    answer = browser.post("/make", data=fields, headers={"accept-language": "ru"})
    assert answer.status_code == status
    assert "Traceback" not in answer.text and 'lang="ru"' in answer.text
    assert site.queue.count() == before
    if status == 422 and fields.get("subject", "").isalpha():
        assert f'value="{fields["subject"]}"' in answer.text


def test_an_empty_box_says_when_it_opens(tmp_path: Path) -> None:
    poor = opened(tmp_path / "poor", budget=BudgetSection(dollars_per_day=0.0))
    browser = TestClient(create_app(poor), headers={"accept": "text/html"}, follow_redirects=False)
    assert "The box opens again at 00:00 UTC" in browser.get("/").text
    answer = browser.post("/make", data={"subject": "cat"})
    assert answer.status_code == 503 and int(answer.headers["retry-after"]) > 0
    assert poor.queue.count().get("waiting", 0) == 0
    poor.close()


def test_a_job_that_is_done_leads_to_its_picture(site: Site, browser: TestClient) -> None:
    place = order(browser)
    (job,) = site.queue.lease("worker", 1)
    publish(site, job.id, "cat", maker=job.client)
    site.queue.finish(job, {"picture": job.id})
    assert browser.get(place).headers["location"] == f"/pictures/{job.id}"


def test_a_withheld_picture_says_why_in_the_visitors_language(site: Site, browser: TestClient) -> None:
    place = order(browser)
    (job,) = site.queue.lease("worker", 1)
    publish(site, job.id, "cat", state="withheld", finding="leak: like 017.png, 0.93")
    site.queue.fail(job, "leak: in English")
    page = browser.get(place, headers={"accept-language": "ru"}).text
    assert "Картинка повторяет одну из тех" in page and "017.png" not in page
    assert browser.get(f"/pictures/{job.id}").status_code == 404
    assert browser.get(f"/pictures/{job.id}.png").status_code == 404


def test_votes_are_the_visitors_own(site: Site, browser: TestClient, ids: list[str]) -> None:
    place = f"/pictures/{ids[0]}"
    for _ in range(2):
        assert browser.post(f"{place}/vote").headers["location"] == f"{place}?said=voted"
    assert "1 vote<" in browser.get(f"{place}?said=voted").text
    assert "Your vote is counted." in browser.get(f"{place}?said=voted").text
    browser.post(f"{place}/unvote")
    assert "0 votes<" in browser.get(place).text
    fragment = browser.post(f"{place}/vote", headers={"hx-request": "true"})
    assert fragment.status_code == 200 and fragment.text.strip().startswith('<form class="vote"')
    forged = TestClient(browser.app, cookies={"client": "0" * 32 + ".forged"})
    forged.post(f"{place}/vote", follow_redirects=False)
    found = site.pictures.find(ids[0])
    assert found is not None and found.votes == 2, "a forged cookie is nobody's"


def test_a_report_reaches_the_operator(site: Site, browser: TestClient, ids: list[str]) -> None:
    place = f"/pictures/{ids[0]}"
    sent = browser.post(f"{place}/report", data={"reason": "copied", "text": "<i>mine</i>"})
    assert sent.headers["location"] == f"{place}?said=reported"
    assert [(report.reason, report.text) for report in site.reports.open()] == [("copied", "<i>mine</i>")]
    assert browser.post(f"{place}/report", data={"reason": "boring"}).status_code == 422
    assert browser.post("/pictures/none/report", data={"reason": "other"}).status_code == 404


def test_only_its_maker_deletes_a_picture(site: Site, browser: TestClient) -> None:
    place = order(browser)
    (job,) = site.queue.lease("worker", 1)
    publish(site, job.id, "cat", maker=job.client)
    site.queue.finish(job, {"picture": job.id})
    picture = f"/pictures/{job.id}"
    other = TestClient(browser.app, headers={"accept": "text/html"}, follow_redirects=False)
    assert "Delete this picture" in browser.get(picture).text
    assert "Delete this picture" not in other.get(picture).text
    assert other.post(f"{picture}/delete").status_code == 403
    assert browser.post(f"{picture}/delete").headers["location"] == "/gallery?said=deleted"
    assert browser.get(picture).status_code == 410
    assert browser.get(f"{picture}.png").status_code == 410
    assert browser.get(place).status_code in (303, 410)


def test_what_was_taken_down_is_gone_everywhere(site: Site, browser: TestClient, ids: list[str]) -> None:
    site.reports.take_down(ids[0], "tester", "a copy")
    for path in ("", ".png", "/thumbnail.webp", "/share.png"):
        answer = browser.get(f"/pictures/{ids[0]}{path}")
        assert answer.status_code == 410, path
    assert "taken down" in browser.get(f"/pictures/{ids[0]}").text
    assert ids[0] not in browser.get("/feed.atom").text + browser.get("/gallery").text


def test_the_gallery_is_walked_to_its_end_without_scripts(browser: TestClient, ids: list[str]) -> None:
    seen: list[str] = []
    place: str | None = "/gallery"
    while place:
        page = browser.get(place).text
        seen += re.findall(r'<a href="/pictures/([0-9a-f]{32})"', page)
        found = re.search(r'<a class="button" href="(/gallery\?after=[^"]+)"', page)
        place = found[1].replace("&amp;", "&") if found else None
    assert seen == ids
    assert browser.get("/gallery?after=nonsense").status_code == 422
    fragment = browser.get("/gallery", headers={"hx-request": "true"}).text
    assert fragment.lstrip().startswith("<li") and "<html" not in fragment


def test_search_finds_beginnings_of_words(browser: TestClient) -> None:
    assert "рыжая лиса" in browser.get("/gallery?q=ЛИС").text
    nothing = browser.get("/gallery?q=zebra").text
    assert "No picture has the words “zebra”" in nothing and "/?subject=zebra" in nothing


def test_files_of_a_picture(site: Site, browser: TestClient, ids: list[str]) -> None:
    hung = f"/pictures/{ids[3]}"
    original = browser.get(f"{hung}.png")
    assert original.headers["content-type"] == "image/png" and b"Steps: 28" in original.content
    again = browser.get(f"{hung}.png", headers={"if-none-match": original.headers["etag"]})
    assert again.status_code == 304 and again.content == b""
    bare = browser.get(f"{hung}.png?metadata=none").content
    assert b"Steps" not in bare and pixels(bare) == pixels(original.content)
    assert Image.open(io.BytesIO(bare)).info == {}
    assert Image.open(io.BytesIO(browser.get(f"{hung}/double.png").content)).size == (2 * SIDE, 2 * SIDE)
    assert browser.get(f"/pictures/{ids[0]}/double.png").status_code == 404
    assert browser.get(f"{hung}/thumbnail.webp").headers["content-type"] == "image/webp"
    share = Image.open(io.BytesIO(browser.get(f"{hung}/share.png").content))
    assert share.size == (1200, 630)


def pixels(content: bytes) -> bytes:
    return Image.open(io.BytesIO(content)).convert("RGB").tobytes()


def test_the_feed_is_atom(browser: TestClient, ids: list[str]) -> None:
    answer = browser.get("/feed.atom")
    assert answer.headers["content-type"].startswith("application/atom+xml")
    feed = ElementTree.fromstring(answer.text)
    entries = feed.findall(f"{ATOM}entry")
    assert [entry.findtext(f"{ATOM}id") for entry in entries] == [
        f"http://testserver/pictures/{id}" for id in ids[:30]
    ]


def test_oembed(browser: TestClient, ids: list[str]) -> None:
    address = f"http://testserver/pictures/{ids[-1]}"
    photo = browser.get("/oembed", params={"url": address, "maxwidth": 32}).json()
    assert photo["type"] == "photo" and (photo["width"], photo["height"]) == (32, 32)
    assert browser.get(photo["url"]).status_code == 200
    assert "/oembed?url=" in browser.get(address).text
    assert browser.get("/oembed", params={"url": "http://elsewhere/pictures/1"}).status_code == 404
    assert browser.get("/oembed", params={"url": address, "format": "xml"}).status_code == 501


def test_the_language_is_chosen_and_leads_back_here_only(browser: TestClient) -> None:
    answer = browser.post("/language", data={"language": "ru", "next": "/hall?after=x"})
    assert answer.headers["location"] == "/hall?after=x"
    assert 'lang="ru"' in browser.get("/", headers={"accept-language": "en"}).text
    for strange in ("//evil.example", "https://evil.example", "/\\evil", "javascript:alert(1)", "/\r\nx: y"):
        sent = browser.post("/language", data={"language": "xx", "next": strange})
        assert sent.headers["location"] == "/"


def test_how_a_picture_was_made(browser: TestClient, ids: list[str]) -> None:
    page = browser.get(f"/pictures/{ids[0]}").text
    assert "Blueprint of Soft" in page and "[[pass]]" in page and "$0.00008" in page
    assert f"/?subject=owl+number+0&amp;seed={sum(map(ord, ids[0]))}" in page


def test_money_is_drawn_as_matches(site: Site, browser: TestClient) -> None:
    browser.get("/")
    order(browser)
    with site.database.writing() as connection:
        connection.execute(sa.update(days).values(spent=500_000_000, reserved=0))
    assert 'aria-label="10 of 20 matches left"' in browser.get("/").text


@pytest.mark.parametrize("language", ["en", "ru"])
def test_what_the_api_page_tells_to_type_works(browser: TestClient, language: str) -> None:
    page = unescape(browser.get("/docs/api", headers={"accept-language": language}).text)
    (address, kind, key, body) = re.findall(
        r"curl http://testserver(\S+) .*?'Content-Type: (\S+)' -H 'Idempotency-Key: (\S+)'.*?-d '(.*?)'",
        page,
        re.DOTALL,
    )[0]
    told = browser.post(address, content=body, headers={"Content-Type": kind, "Idempotency-Key": key})
    assert told.status_code == 202


class Read(HTMLParser):
    """A page: what is open at its end, what the CSP would refuse, what it loads."""

    VOID = frozenset({"meta", "link", "img", "input", "br", "hr"})
    DRAWN = frozenset({"path", "rect", "circle", "ellipse", "line"})  # close themselves

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.inline: list[str] = []
        self.assets: list[str] = []
        self.unsigned = 0
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self.inline += [name for name in said if name == "style" or name.startswith("on")]
        self.unsigned += tag == "script" and not said.get("nonce")
        address = said.get("src") if tag == "script" else said.get("href") if tag == "link" else None
        if address and address.startswith("/static/") and said.get("rel") != "icon":
            self.assets.append(address)
        if tag not in self.VOID and tag not in self.DRAWN:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.DRAWN:
            self.handle_starttag(tag, attrs)
        self.inline += [name for name, _ in attrs if name == "style"]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.open and tag not in self.DRAWN:
            assert self.open.pop() == tag, (tag, self.getpos())
