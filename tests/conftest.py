"""With CI=true nothing may be skipped: what is not run is not known to work. And one browser for all."""

import os
import shutil
from collections.abc import Generator, Iterator
from typing import TypeVar

import pytest
from playwright.sync_api import Browser, sync_playwright

if shutil.which("nvidia-smi") is None:
    os.environ["TRITON_INTERPRET"] = "1"  # kernels run on the processor; counts when Triton is first imported

Report = TypeVar("Report", pytest.TestReport, pytest.CollectReport)


def skip_is_failure(report: Report) -> Report:
    """The report; where CI is "true", with a skip turned into a failure that names the reason."""
    expected = "wasxfail" in vars(report)  # pytest calls an expected failure a skip too
    if os.environ.get("CI") == "true" and report.skipped and not expected:
        report.outcome = "failed"
        report.longrepr = f"skipped, and with CI=true a skip is a failure: {report.longreprtext}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    return skip_is_failure((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    return skip_is_failure((yield))


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, without a window. A process can have but one: Playwright keeps its event loop."""
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("Chromium is not installed: apt install chromium")
    with sync_playwright() as playwright:
        # The sandbox needs rights that containers do not give; these pages are our own.
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()
