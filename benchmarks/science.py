"""Every run that docs/science.md rests on: made, measured, and written down in one file.

    python benchmarks/science.py --runs runs/science --out benchmarks/results/science.json

Each is a command that the file names; what the folder holds already is not made again. Two cores take about
half an hour.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from time import perf_counter
from typing import Any

from ablation import machine

DESIGNS = (
    "seed", "controls", "better", "sweep-scale", "sweep-sigma", "sweep-gate", "sweep-rank", "sweep-steps",
)  # fmt: skip
COLUMNS = ("style", "whole", "noise", "leaked", "lettering")
KEPT = {
    "estimate", "low", "high", "hits", "n", "at_most", "exact_low", "exact_high", "p", "p_holm", "equivalent",
}  # fmt: skip


def strikebox(*arguments: str) -> float:
    """Run the command; the seconds that it took."""
    started = perf_counter()
    subprocess.run([Path(sys.executable).parent / "strikebox", *arguments], check=True)
    return perf_counter() - started


def ablated(design: str, runs: Path) -> dict[str, Any]:
    folder = runs / design
    seconds = strikebox("ablate", design, "--out", str(folder), "--resume")
    verdict = json.loads((folder / "verdict.json").read_text())
    return {
        "command": f"strikebox ablate {design}",
        "seconds": round(seconds),
        "table": [row(line) for line in verdict["table"]],
        "findings": [{key: f[key] for key in ("name", "status", "because")} for f in verdict["findings"]],
        "recommendation": verdict["recommendation"],
    }


def row(line: dict[str, Any]) -> dict[str, Any]:
    """One recipe of a verdict's table: what was measured, without how."""
    columns = {name: line[name] and {k: v for k, v in line[name].items() if k in KEPT} for name in COLUMNS}
    return {"recipe": line["recipe"], "overhead": line["overhead"], **columns, "group": line["group"]}


def audited(runs: Path) -> dict[str, Any]:
    folder = runs / "audit"
    choices = ("embedded", "--dataset", "embedded", "--held-out", "embedded")
    seconds = strikebox("audit", *choices, "--out", str(folder))
    report = json.loads((folder / "audit.json").read_text())
    memorised = report["memorised"]
    kept = ("training", "held_out_pictures", "memorised", "membership", "control")
    return {
        "command": "strikebox audit " + " ".join(choices),
        "seconds": round(seconds),
        "certificates": report["certificates"],
        "memorised": {key: memorised[key] for key in kept},
        "recommended": report["recommended"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=Path, default=Path("runs/science"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/science.json"))
    args = parser.parse_args()
    found = {design: ablated(design, args.runs) for design in DESIGNS}
    content = {"machine": machine(), "designs": found, "audit": audited(args.runs)}
    args.out.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
