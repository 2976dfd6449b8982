"""The operator in a real Chromium: axe finds nothing, nothing scrolls sideways, takedowns need no script."""

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from filled import fill
from playwright.sync_api import Page, expect
from served import NewPage, serving

from strikebox.site.context import Site
from strikebox.site.passwords import hash_password
from strikebox.site.settings import AdminSection

PASSWORD = "correct horse"
PAGES = (
    "",
    "/queue",
    "/reports",
    "/pictures?state=public",
    "/hall",
    "/votes",
    "/keys",
    "/log",
    "/pictures/" + "0" * 31 + "1",
)


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Site]]:
    """A site where something of everything happened."""
    admin = AdminSection(password_hash=hash_password(PASSWORD))
    with serving(tmp_path_factory.mktemp("busy"), admin=admin) as (place, site):
        ids = fill(site, ["owl", "рыжая лиса", "a very long subject " * 9, "cat"])
        for id in ids[:2]:
            site.votes.cast(id, "visitor")
            site.reports.file(id, "visitor", "copied", "seen before")
        site.hall.admit(ids[0], "operator")
        site.orders.place("waits", "visitor", network="n")
        site.workers.beat("machine:1", "cpu", "klein-nano", 1)
        site.api_keys.create("friend", 5)
        yield place, site


def enter(new_page: NewPage, place: str, **looks: Any) -> Page:
    page = new_page(base=place, **looks)
    page.goto("/admin")
    page.get_by_role("textbox").last.fill(PASSWORD)
    page.locator("form[action='/admin/login'] button").click()
    page.wait_for_url("**/admin")
    return page


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_axe_finds_nothing(new_page: NewPage, busy: tuple[str, Site], language: str, theme: str) -> None:
    page = enter(new_page, busy[0], language=language, theme=theme)
    found = dict[str, str]()
    for name in PAGES:
        page.goto(f"/admin{name}")
        results = Axe().run(page)
        if results.violations_count:
            found[name] = results.generate_report()
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, name
    assert found == {}


def test_a_picture_is_taken_down_without_scripts(new_page: NewPage, busy: tuple[str, Site]) -> None:
    place, site = busy
    page = enter(new_page, place, script=False)
    page.get_by_role("link", name="Reports").first.click()
    row = page.get_by_role("row", name="рыжая лиса")
    row.get_by_placeholder("Why").first.fill("a copy")
    row.get_by_role("button", name="Take down").click()
    expect(page.get_by_role("status")).to_have_text("The picture is taken down.")
    (act,) = site.log.read(target="0" * 31 + "2")
    assert (act.act, act.who, act.why) == ("take down", "operator", "a copy")
    page.goto("/pictures/" + "0" * 31 + "2")
    expect(page.get_by_role("heading", level=1)).to_have_text("This picture was taken down")
