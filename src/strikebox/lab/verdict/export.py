"""A verdict as files beside the report: verdict.json, cells.parquet and the recipe to ship."""

import io
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from strikebox import files
from strikebox import recipe as recipes
from strikebox.lab.verdict import Verdict
from strikebox.lab.verdict.grades import LADDERS
from strikebox.lab.verdict.table import Row

VERDICT, CELLS, RECOMMENDED = "verdict.json", "cells.parquet", "recommended.toml"


def write(verdict: Verdict) -> tuple[Path, ...]:
    """Write the three files into the run's folder. Raises StoreError where that is not possible."""
    folder = verdict.measured.run.folder.path
    contents = {VERDICT: as_json(verdict).encode(), CELLS: _parquet(verdict), RECOMMENDED: _toml(verdict)}
    for name, content in contents.items():
        files.write(folder / name, content)
    return tuple(folder / name for name in contents)


def as_json(verdict: Verdict) -> str:
    """Everything but the pictures' own figures, which are in cells.parquet; what is missing is null."""
    measured = verdict.measured
    content = {
        "recommendation": asdict(verdict.recommendation),
        "findings": [asdict(finding) for finding in verdict.findings],
        "baseline": verdict.table.baseline.recipe.name,
        "table": [dict(_row(row)) for row in verdict.table.rows],
        "leaks": [asdict(leak) for leak in measured.leaks],
        "scales": {name: asdict(scale) for name, scale in measured.scales.items()},
        "not_measured": dict(measured.missing),
        "limits": list(verdict.limits),
        "thresholds": [asdict(ladder) for ladder in LADDERS],
        "training_pictures": measured.training,
        "held_out_pictures": measured.held_out,
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _row(row: Row) -> Iterator[tuple[str, object]]:
    yield "recipe", row.recipe.name
    yield "hash", row.recipe.hash
    yield "arm", row.recipe.arm
    yield "overhead", row.overhead
    for name in ("style", "whole", "noise", "leaked", "lettering", "group"):
        yield name, asdict(getattr(row, name))
    for name in ("style_gain", "whole_change", "whole_kept", "lettering_gain", "handoff"):
        value = getattr(row, name)
        yield name, None if value is None else asdict(value)
    yield "grades", {name: None if one is None else asdict(one) for name, one in row.grades.items()}


def _parquet(verdict: Verdict) -> bytes:
    buffer = io.BytesIO()
    verdict.measured.cells.drop("picture").write_parquet(buffer)  # a path of this machine; the hash stays
    return buffer.getvalue()


def _toml(verdict: Verdict) -> bytes:
    name = verdict.recommendation.recipe
    return recipes.dumps(verdict.table.row(name).recipe).encode()
