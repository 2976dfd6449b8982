"""What faults cost, as it was measured: one JSON file a row in build/faults/, and a table of them all.

`python tests/faults/figures.py` prints the table; `make faults` does so in the end.
"""

import json
import math
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "build" / "faults"

Figure = str | int | float | bool
Note = Callable[..., None]
"""What the fixture `note` is: called with the row's name, and each figure by name."""


def write(row: str, figures: Mapping[str, Figure], folder: Path = FOLDER) -> None:
    """Keep what was measured for a promise, in place of what was measured before.

    `row` names the file: words and hyphens. Names of figures say their unit: `p99_seconds`.
    """
    kept = {
        "row": row,
        "figures": dict(figures),
        "at": datetime.now(UTC).isoformat(timespec="minutes"),
        "cores": len(os.sched_getaffinity(0)),
        "machine": platform.machine(),
    }
    folder.mkdir(parents=True, exist_ok=True)
    new = folder / f".{row}.{os.getpid()}"
    new.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    new.replace(folder / f"{row}.json")


def table(folder: Path = FOLDER) -> str:
    """All rows as a Markdown table, as docs/operations.md shows it."""
    rows = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))]
    lines = ["| promise | measured | when, on |", "|---|---|---|"]
    for row in rows:
        when = f"{row['at'][:10]}, {row['cores']} cores {row['machine']}"
        lines.append(f"| {row['row']} | {_words(row['figures'])} | {when} |")
    return "\n".join(lines)


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest of `values` that at least `share` (0 to 1) of them do not exceed. Raises on none."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


def _words(figures: Mapping[str, Figure]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {_number(value)}" for name, value in figures.items())


def _number(value: Figure) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    print(table())
