"""`strikebox serve` on the embedded model, with pictures on its walls, for a real Chromium."""

from collections.abc import Iterator

import pytest
from filled import fill, hang, opened
from playwright.sync_api import Browser, BrowserContext, Page
from served import CONFIG, SUBJECTS, UNCHECKED, NewPage, running


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `strikebox serve` serves a gallery of several pages, with a worker on the embedded model."""
    folder = tmp_path_factory.mktemp("site")
    site = opened(folder)
    for id in fill(site, SUBJECTS)[:3]:
        hang(site, id)
    site.close()
    with running(folder, CONFIG + UNCHECKED) as place:
        yield place


@pytest.fixture
def new_page(chromium: Browser, address: str) -> Iterator[NewPage]:
    """Opens pages of new visitors; a page that complains, of the CSP or of a script, fails its test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_it(
        *,
        script: bool = True,
        language: str = "en",
        theme: str = "light",
        width: int = 1280,
        base: str = address,
    ) -> Page:
        context = chromium.new_context(
            base_url=base,
            java_script_enabled=script,
            locale=language,
            color_scheme=theme,  # type: ignore[arg-type]
            viewport={"width": width, "height": 900},
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.extend([said.text] if said.type == "error" else []))
        return page

    yield open_it
    for context in contexts:
        context.close()
    # A status of 400 and above is written to the console too; tests ask for those on purpose.
    assert [said for said in complaints if "status of" not in said and "ERR_" not in said] == []
