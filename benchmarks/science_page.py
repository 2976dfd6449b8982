"""Put the figures of a run into the tables of docs/science.md: those below `<!-- NAME OF THE DESIGN -->`.

    python benchmarks/science_page.py --results benchmarks/results/science.json --page docs/science.md
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

Figures = dict[str, Any]

HEAD = (
    "| recipe | style (95%) | subject whole | texture | repeats a training picture | lettering | price |",
    "|---|---|---|---|---|---|---|",
)


def fill(page: str, results: Figures) -> str:
    """The page with every marked table made anew."""
    for name, design in results["designs"].items():
        page = _replace(page, name, "\n".join([*HEAD, *map(line, design["table"])]))
    return page


def line(row: Figures) -> str:
    style = row["style"]
    between = "–" if style is None else f"{style['estimate']:.2f} ({style['low']:.2f} to {style['high']:.2f})"
    counts = (_count(row[name]) for name in ("whole", "noise", "leaked", "lettering"))
    cells = [_title(row["recipe"]), between.replace("-0.00", "0.00").replace("-", "−"), *counts]
    return f"| {' | '.join(cells)} | ×{row['overhead']:.2f} |"


def _title(recipe: str) -> str:
    """A recipe's name, or what a sweep set it to."""
    swept = re.search(r"-(lora_scale|start_sigma|gate_sigma|rank|steps)-([\d.]+)$", recipe)
    return f"`{recipe}`" if swept is None else f"{swept[1].replace('_', ' ')} {swept[2]}"


def _count(share: Figures | None) -> str:
    return "–" if share is None else f"{share['hits']} of {share['n']}"


def _replace(page: str, name: str, table: str) -> str:
    pattern = re.compile(rf"(<!-- {re.escape(name)} -->\n)(?:\|.*\n)*")
    return pattern.sub(lambda found: f"{found[1]}{table}\n", page)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--results", type=Path, default=Path("benchmarks/results/science.json"))
    parser.add_argument("--page", type=Path, default=Path("docs/science.md"))
    args = parser.parse_args()
    args.page.write_text(fill(args.page.read_text("utf-8"), json.loads(args.results.read_text("utf-8"))))


if __name__ == "__main__":
    main()
