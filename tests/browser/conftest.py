"""A real Chromium, and before it `strikebox serve` on the embedded model, with pictures on its walls."""

import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from filled import fill, hang, opened
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from served import SUBJECTS, NewPage

_CONFIG = """
[storage]
folder = "{folder}"
[recipe]
name = "soft"
[limits]
burst = 1000
per_day = 1000
network_per_day = 1000
proof_of_work = "off"
[moderation]
classifier = false
leak = false
lettering = false
"""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed: apt install chromium")
    with sync_playwright() as playwright:
        # The sandbox needs rights that containers do not give; these pages are our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where `strikebox serve` serves a gallery of several pages, with a worker on the embedded model."""
    folder = tmp_path_factory.mktemp("site")
    site = opened(folder)
    for id in fill(site, SUBJECTS)[:3]:
        hang(site, id)
    site.close()
    (folder / "strikebox.toml").write_text(_CONFIG.format(folder=folder))
    command = [sys.executable, "-c", "from strikebox.cli import main; main()", "serve", "--port", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (
        open(folder / "log", "w") as log,
        subprocess.Popen(
            [*command, "--config", str(folder / "strikebox.toml")],
            stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
        ) as served,
    ):  # fmt: skip
        assert served.stdout is not None
        first = served.stdout.readline()
        found = re.match(r"http://\S+", first)
        assert found is not None, (first, (folder / "log").read_text())
        threading.Thread(target=served.stdout.read, daemon=True).start()
        yield found[0].rstrip("/")
        served.terminate()
        served.wait(60)


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
