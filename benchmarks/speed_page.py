"""Fills the tables of docs/speed.md from benchmarks/results/full-size.json. Without that file they say so.

python benchmarks/speed_page.py
"""

from __future__ import annotations

import re
from pathlib import Path

from strikebox.lab.bench import page
from strikebox.lab.bench.figures import Results, read

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "full-size.json"
PAGE = ROOT / "docs" / "speed.md"
UNKNOWN = "Not measured yet."
_TABLE = re.compile(r"(<!-- (\d+) px -->\n).*?(?=\n<!-- end -->)", re.DOTALL)


def fill(text: str, results: Results | None) -> str:
    """The page with the tables of `results` in it."""

    def table(found: re.Match[str]) -> str:
        side = int(found[2])
        known = results is not None and any(figure.side == side for figure in results.figures)
        return found[1] + (page.markdown(results, side) if results and known else UNKNOWN)

    return _TABLE.sub(table, text)


def main() -> None:
    results = read(RESULTS) if RESULTS.exists() else None
    PAGE.write_text(fill(PAGE.read_text("utf-8"), results), encoding="utf-8")


if __name__ == "__main__":
    main()
