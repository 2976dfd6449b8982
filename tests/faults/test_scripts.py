"""Scripts that visitors write, on every page, in a real Chromium: none runs, and the policy stops none."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote_from_bytes

import corpus
import pytest
from filled import fill, hang, opened, publish
from house import wait_for
from playwright.sync_api import Browser, Page
from served import serving_app

from strikebox.errors import PromptRefused
from strikebox.site.app import create_app
from strikebox.site.context import Site
from strikebox.site.passwords import hash_password
from strikebox.site.settings import AdminSection

_PASSWORD = "correct horse"
_MARKUP = (
    *("script", "closed script", "attribute", "svg", "handler", "address", "data", "htmx", "json in html"),
    *("jinja", "xml", "line ends"),
)
# Runs before any script of a page, in every frame: what a payload would call, and what the policy stopped.
_TRAPS = """
window.caught = [];
for (const name of ["trap", "alert", "confirm", "prompt", "print", "open"])
    window[name] = () => { window.caught.push("ran " + name); };
document.addEventListener("securitypolicyviolation", event =>
    window.caught.push(`violation of ${event.violatedDirective}: ${event.blockedURI} ${event.sample}`));
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Iterator[tuple[str, Site, list[str]]]:
    """A site on whose walls, in whose queue and in whose reports everything is a script; ids of pictures."""
    site = opened(tmp_path, admin=AdminSection(password_hash=hash_password(_PASSWORD)))
    ids = fill(site, ["fox"])
    for number, name in enumerate(_MARKUP, 2):
        text = corpus.TEXTS[name].decode()
        ids.append(publish(site, f"{number:032x}", text[:200]).id)
        _queue(site, text)
        site.reports.file(ids[-1], text[:100], "other", text)
        site.log.write(text[:100], "act", text[:100], text)
        site.api_keys.create(text[:100], 3)
        site.votes.cast(ids[-1], text[:100])
    hang(site, ids[1])
    with serving_app(create_app(site)) as base:
        yield base, site, ids
    site.close()


def _queue(site: Site, text: str) -> None:
    try:
        site.orders.place(" ".join(text.split())[:200], text[:100], network="n")
    except PromptRefused:  # invisible characters
        return


@pytest.fixture
def page(hostile: tuple[str, Site, list[str]], chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context(base_url=hostile[0])
    context.add_init_script(_TRAPS)
    yield context.new_page()
    context.close()


def addresses(ids: list[str], job: str) -> Iterator[str]:
    """Pages that show what visitors wrote, and pages that repeat what is asked of them."""
    yield from ("/", "/gallery", "/hall", "/about", f"/jobs/{job}", "/feed.atom", "/docs/api")
    yield from (f"/pictures/{id}" for id in ids)
    yield from (f"/admin{part}" for part in ("", "/queue", "/reports", "/keys", "/log", "/votes", "/hall"))
    yield f"/admin/pictures/{ids[-1]}"
    for name in _MARKUP:
        text = quote_from_bytes(corpus.TEXTS[name], safe="")
        yield f"/?subject={text}&seed={text}"
        yield f"/gallery?q={text}"
        yield f"/{text}"
        yield f"/pictures/{ids[0]}?said={text}"


def test_no_script_runs(hostile: tuple[str, Site, list[str]], page: Page) -> None:
    _, site, ids = hostile
    page.goto("/admin/login")
    page.fill("input[name=password]", _PASSWORD)
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/admin")
    (job,) = site.queue.lease("tester", 1, ["picture"])
    caught: dict[str, list[str]] = {}
    for address in addresses(ids, job.id):
        page.goto(address, wait_until="load")
        _touch(page)
        if found := page.evaluate("window.caught || []"):
            caught[address] = found
    assert caught == {}
    assert _caught_when_it_is_there(page), "the traps work"


def _touch(page: Page) -> None:
    """Focus what can be focused, so that handlers would run."""
    page.evaluate("document.querySelectorAll('a, input, button, [autofocus], b').forEach(e => e.focus?.())")


def _caught_when_it_is_there(page: Page) -> bool:
    page.goto("/")
    page.evaluate("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"trap()\">')")
    # Not by wait_for_function, whose second look is an eval, which the policy forbids.
    wait_for(lambda: bool(page.evaluate("window.caught.length > 0")), "a caught violation")
    return "violation" in str(page.evaluate("window.caught"))
