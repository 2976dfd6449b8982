"""Making a picture and what one does with it, on the embedded model, with scripts and without."""

import io
import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page, expect
from served import Cable, NewPage, serving

from strikebox.site.progress import Preview, put_preview
from strikebox.site.settings import LimitsSection

PICTURE = re.compile(r"/pictures/[0-9a-f]{32}$")
JOB = re.compile(r"/jobs/[0-9a-f]{32}$")
CALM = LimitsSection(burst=100, proof_of_work="off")
PATIENCE = 90_000  # milliseconds; the worker may have to load first


def order(page: Page, subject: str, seed: int | None = None) -> None:
    """Fill in the form and send it."""
    page.goto("/")
    page.get_by_label("What shall it be?").fill(subject)
    if seed is not None:
        page.get_by_text("Seed", exact=True).first.click()
        page.get_by_label("Seed").fill(str(seed))
    page.get_by_role("button", name="Strike", exact=True).click()


@pytest.mark.slow
@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
def test_a_picture_from_word_to_deletion(new_page: NewPage, script: bool) -> None:
    page = new_page(script=script)
    order(page, "red fox", seed=7)
    expect(page).to_have_url(JOB)
    expect(page.get_by_role("heading", name="red fox")).to_be_visible()
    page.wait_for_url(PICTURE, timeout=PATIENCE)
    drawn = page.get_by_role("img", name="Picture of: red fox")
    expect(drawn).to_be_visible()
    expect(page.locator(".facts")).to_contain_text("7")
    vote(page, script)
    remix(page)
    report(page)
    delete(page)


def vote(page: Page, script: bool) -> None:
    before = page.url
    page.get_by_role("button", name="Vote for it").click()
    expect(page.locator("#vote")).to_contain_text("1 vote")
    assert (page.url == before) == script, "with scripts the page stays where it is"
    page.get_by_role("button", name="Take the vote back").click()
    expect(page.locator("#vote")).to_contain_text("0 votes")


def remix(page: Page) -> None:
    page.get_by_role("link", name="Remix").click()
    expect(page.get_by_label("What shall it be?")).to_have_value("red fox")
    expect(page.get_by_label("Seed")).to_have_value("7")
    page.go_back()


def report(page: Page) -> None:
    page.get_by_text("Report this picture").click()
    page.get_by_label("It copies someone's work").check()
    page.get_by_label("Anything we should know").fill("I drew it")
    page.get_by_role("button", name="Send the report").click()
    expect(page.get_by_role("status").first).to_contain_text("kept for the operator")


def delete(page: Page) -> None:
    place = page.url.partition("?")[0]
    page.get_by_text("Delete this picture").click()
    page.get_by_role("button", name="Delete it for good").click()
    expect(page.get_by_role("status").first).to_contain_text("The picture is deleted")
    gone = page.goto(place)
    assert gone is not None and gone.status == 410
    expect(page.get_by_role("heading")).to_contain_text("gone")


@pytest.mark.slow
def test_downloads_with_and_without_metadata(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/hall")
    page.locator(".album a").first.click()
    sizes: list[tuple[tuple[int, int], bool]] = []
    for name in ("Download PNG", "PNG without metadata", "Double size"):
        with page.expect_download() as started:
            page.get_by_role("link", name=name).click()
        assert started.value.suggested_filename.startswith("owl-number-")
        content = Path(started.value.path()).read_bytes()
        sizes.append((Image.open(io.BytesIO(content)).size, b"Steps: 28" in content))
    assert sizes == [((64, 64), True), ((64, 64), False), ((128, 128), True)]


def test_by_keyboard_alone(new_page: NewPage) -> None:
    page = new_page()
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("What shall it be?")).to_be_focused()
    page.keyboard.type("owl")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/(jobs|pictures)/"))


def test_a_suggestion_is_one_click(new_page: NewPage) -> None:
    page = new_page(language="ru")
    page.goto("/")
    page.get_by_role("button", name="паровоз").click()
    expect(page).to_have_url(re.compile("/(jobs|pictures)/"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("паровоз", ignore_case=True)


def test_what_is_refused_stays_in_the_form(new_page: NewPage) -> None:
    page = new_page()
    order(page, "porn")
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("What shall it be?")).to_have_value("porn")


def webp(side: int) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side, side), "red").save(buffer, "WEBP")
    return buffer.getvalue()


def test_events_move_the_page(new_page: NewPage, tmp_path: Path) -> None:
    with serving(tmp_path, limits=CALM) as (base, site):
        page = new_page(base=base)
        order(page, "cat")
        expect(page.locator("#state")).to_have_text("Waiting")
        (job,) = site.queue.lease("worker", 1)
        with site.database.writing() as connection:
            put_preview(connection, job.id, Preview(14, webp(16)))
        site.queue.renew([job], 15, 28)
        expect(page.locator("#state")).to_have_text("Burning")
        expect(page.locator("#detail")).to_have_text("Step 15 of 28")
        expect(page.get_by_role("img", name="Preview while it is being made")).to_be_visible()
        site.queue.fail(job, "secret path /etc")
        expect(page.locator("#state")).to_have_text("It did not come out")
        assert "/etc" not in page.content()


def test_a_broken_stream_is_resumed_where_it_broke_off(new_page: NewPage, tmp_path: Path) -> None:
    with serving(tmp_path, limits=CALM) as (base, site):
        cable = Cable(base)
        page = new_page(base=cable.address)
        order(page, "cat")
        (job,) = site.queue.lease("worker", 1)
        site.queue.renew([job], 5, 28)
        expect(page.locator("#detail")).to_have_text("Step 5 of 28")
        seen = site.progress.version(job.id)
        cable.cut()
        site.queue.renew([job], 6, 28)
        expect(page.locator("#detail")).to_have_text("Step 6 of 28", timeout=15_000)
        assert cable.resumed[0] == seen
        cable.close()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en", "ru"])
def test_axe_finds_nothing_while_a_picture_is_made(
    new_page: NewPage, tmp_path: Path, language: str, theme: str
) -> None:
    with serving(tmp_path, limits=LimitsSection(burst=2, proof_of_work="off")) as (base, site):
        page = new_page(base=base, language=language, theme=theme)
        for word in (0, 1):  # one waits, one runs
            page.goto("/")
            page.locator(".chips button").nth(word).click()
            page.wait_for_url("**/jobs/*")
            assert Axe().run(page).violations_count == 0
            (job,) = site.queue.lease("worker", 1)
            site.queue.renew([job], 14, 28)
            page.reload()
            assert Axe().run(page).violations_count == 0
        site.queue.fail(job, "no")
        expect(page.locator(".making.ended")).to_be_visible()
        page.wait_for_load_state()
        assert Axe().run(page).violations_count == 0
        page.goto("/")
        page.locator(".chips button").first.click()
        expect(page.get_by_role("alert")).to_be_visible()  # too many
        assert Axe().run(page).violations_count == 0


def test_a_worker_that_never_comes(new_page: NewPage, tmp_path: Path) -> None:
    with serving(tmp_path) as (base, _):
        page = new_page(base=base, script=False)
        order(page, "cat")
        expect(page.locator("#time")).to_contain_text("Your order is kept")


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without"])
def test_under_pressure_browsers_do_a_sum(new_page: NewPage, tmp_path: Path, script: bool) -> None:
    with serving(tmp_path, limits=LimitsSection(queue=8, burst=50)) as (base, site):
        page = new_page(base=base, script=script)
        order(page, "fox")
        page.wait_for_url(JOB)  # nobody presses yet, so nothing is asked
        for number in range(3):
            site.orders.place("waits", f"visitor {number}", network="elsewhere")
        order(page, "cat")
        if script:
            page.wait_for_url(JOB, timeout=30_000)
            page.goto("/")
            page.get_by_role("button", name="owl in the forest").click()
            page.wait_for_url(JOB, timeout=30_000)
        else:
            expect(page.get_by_role("alert")).to_contain_text("JavaScript")
            expect(page.get_by_role("alert")).to_contain_text("come back when fewer ask")
            expect(page.get_by_label("What shall it be?")).to_have_value("cat")
            page.goto("/")
            said = page.locator("noscript p")  # which what finds texts passes over
            expect(said).to_be_visible()
            expect(said).to_contain_text("come back when fewer ask")
        assert site.queue.count()["waiting"] == (6 if script else 4)
