"""The report of a run: one HTML file that holds everything it shows and works offline."""

from pathlib import Path

from strikebox import files
from strikebox.lab.report.page import html
from strikebox.lab.run import Run

__all__ = ["FILE", "html", "write"]

FILE = "report.html"


def write(run: Run, dollars_per_hour: float | None = None) -> Path:
    """Write the report into the run's folder. Raises StoreError where that is not possible."""
    path = run.folder.path / FILE
    files.write(path, html(run, dollars_per_hour).encode())
    return path
