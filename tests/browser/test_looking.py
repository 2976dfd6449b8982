"""Looking round: gallery, search, hall, languages; no page breaks a rule of axe or scrolls sideways."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from served import SUBJECTS, NewPage

PAGES = (
    "/",
    "/?subject=cat&seed=7",
    "/gallery",
    "/gallery?q=nothing+like+it",
    "/hall",
    "/about",
    "/policy",
    "/docs/api",
    "/nowhere",
    "picture",
    "report",
    "hung",
)
_ID = "0" * 30
PLACES = {
    "picture": f"/pictures/{_ID}3c",  # the longest subject
    "hung": f"/pictures/{_ID}01",
    "report": f"/pictures/{_ID}02?said=voted",
}


def visit(page: Page, name: str) -> None:
    page.goto(PLACES.get(name, name))
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")


@pytest.mark.slow
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_axe_finds_nothing(new_page: NewPage, language: str, theme: str) -> None:
    axe, found = Axe(), dict[str, str]()
    page = new_page(language=language, theme=theme)
    for name in PAGES:
        visit(page, name)
        results = axe.run(page)
        if results.violations_count:
            found[name] = results.generate_report()
    assert found == {}


@pytest.mark.slow
@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_scrolls_sideways(new_page: NewPage, language: str, width: int) -> None:
    page = new_page(language=language, width=width)
    for name in PAGES:
        visit(page, name)
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name


def cards(page: Page) -> int:
    return page.locator(".card").count()


def test_the_gallery_grows_as_one_scrolls(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/gallery")
    assert cards(page) == 24
    while page.locator(".more-cards").count():
        before = cards(page)
        page.locator(".more-cards").scroll_into_view_if_needed()
        page.locator(".card").nth(before).wait_for(state="attached")
    assert cards(page) >= len(SUBJECTS)
    assert page.url.endswith("/gallery")


def test_the_gallery_is_turned_without_scripts(new_page: NewPage) -> None:
    page = new_page(script=False)
    page.goto("/gallery")
    page.get_by_role("link", name="More pictures").click()
    expect(page).to_have_url(re.compile("after="))
    assert cards(page) == 24


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
def test_search_and_order(new_page: NewPage, script: bool) -> None:
    page = new_page(script=script)
    page.goto("/gallery")
    page.get_by_role("searchbox").fill("ЛИСА")
    page.get_by_role("button", name="Search").click()
    assert cards(page) == 1
    page.get_by_role("link", name="Best of the month").click()
    expect(page.get_by_role("link", name="Best of the month")).to_have_attribute("aria-current", "page")
    assert cards(page) == 1
    page.get_by_role("link", name="рыжая лиса").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("рыжая лиса", ignore_case=True)


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
def test_the_language_stays_chosen(new_page: NewPage, script: bool) -> None:
    page = new_page(script=script)
    page.goto("/gallery?sort=ever")
    page.get_by_role("button", name="Русский").click()
    expect(page).to_have_url(re.compile(r"/gallery\?sort=ever$"))
    expect(page.locator("html")).to_have_attribute("lang", "ru")
    page.get_by_role("link", name="О сайте").first.click()
    expect(page.locator("html")).to_have_attribute("lang", "ru")


def test_the_link_is_copied(new_page: NewPage) -> None:
    page = new_page()
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(PLACES["hung"])
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()").endswith(PLACES["hung"])
