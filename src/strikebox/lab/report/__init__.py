"""The report of a run: one HTML file that holds everything it shows and works offline."""

from collections.abc import Mapping
from pathlib import Path

from strikebox import files
from strikebox.lab.report.page import html
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict

__all__ = ["FILE", "html", "write"]

FILE = "report.html"


def write(
    run: Run,
    dollars_per_hour: float | None = None,
    verdict: Verdict | None = None,
    training: Mapping[str, Path] | None = None,
) -> Path:
    """Write the report (see `html`) into the run's folder. Raises StoreError where that is not possible."""
    path = run.folder.path / FILE
    files.write(path, html(run, dollars_per_hour, verdict, training).encode())
    return path
