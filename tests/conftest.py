"""With CI=true nothing may be skipped: what is not run is not known to work."""

import os
from collections.abc import Generator
from typing import TypeVar

import pytest

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
