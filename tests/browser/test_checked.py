"""The whole way of a picture with every check on, as the site runs out of the box: nothing is faked."""

import io
from collections.abc import Iterator
from itertools import count

import pytest
from PIL import Image
from playwright.sync_api import Page, expect
from served import CONFIG, NewPage, running

PATIENCE = 240_000  # milliseconds; the checks load and look at the training pictures first
_MOST = 6  # pictures; a check may withhold one, and says so


@pytest.fixture(scope="module")
def checked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `strikebox serve` serves with everything on."""
    with running(tmp_path_factory.mktemp("checked"), CONFIG) as place:
        yield place


def make(page: Page, seed: int) -> bool:
    """Order a picture and wait; whether it was published. One that was not says why."""
    page.goto("/")
    page.get_by_label("What shall it be?").fill("steam train")
    page.get_by_text("Seed", exact=True).first.click()
    page.get_by_label("Seed").fill(str(seed))
    page.get_by_role("button", name="Strike", exact=True).click()
    over = page.locator(".making.ended, article.sheet")
    over.wait_for(timeout=PATIENCE)
    if "/pictures/" in page.url:
        return True
    expect(page.locator("#state")).to_have_text("Not published")
    expect(page.locator("#detail")).to_contain_text("so it is not published")
    return False


@pytest.mark.slow
def test_make_wait_see_vote_share(new_page: NewPage, checked: str) -> None:
    page = new_page(base=checked)
    previews: list[str] = []
    page.on("request", lambda asked: previews.extend([asked.url] if "preview.webp" in asked.url else []))
    published = next(seed for seed in count(1) if make(page, seed) or seed == _MOST)
    assert "/pictures/" in page.url, f"{published} pictures were withheld"
    assert previews, "a preview is shown while it is made"
    expect(page.get_by_role("img", name="Picture of: steam train").first).to_be_visible()
    expect(page.locator(".blueprint svg")).to_be_visible()
    page.get_by_role("button", name="Vote for it").click()
    expect(page.locator("#vote")).to_contain_text("1 vote")
    share(page)


def share(page: Page) -> None:
    """The label, oEmbed, and the promises of the policy."""
    place = page.url
    page.get_by_role("link", name="As a label to share").click()
    answer = page.request.get(f"{place}/share.png")
    assert Image.open(io.BytesIO(answer.body())).size == (1200, 630)
    page.goto(place)
    embed = page.locator("link[type='application/json+oembed']").get_attribute("href")
    assert embed is not None
    assert page.request.get(embed).json()["type"] == "photo"
    page.goto("/policy")
    expect(page.get_by_text("A classifier looks for nudity")).to_be_visible()
