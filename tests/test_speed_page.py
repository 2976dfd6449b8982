"""The tables of docs/speed.md are those of the results, and without results there are no numbers."""

import importlib.util
from pathlib import Path
from types import ModuleType

from strikebox.lab.bench.figures import Figure, Results

ROOT = Path(__file__).parents[1]


def filler() -> ModuleType:
    spec = importlib.util.spec_from_file_location("speed_page", ROOT / "benchmarks" / "speed_page.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date() -> None:
    module, text = filler(), (ROOT / "docs" / "speed.md").read_text("utf-8")
    results = module.read(module.RESULTS) if module.RESULTS.exists() else None
    assert module.fill(text, results) == text


def test_tables_come_and_go_with_results() -> None:
    module, text = filler(), (ROOT / "docs" / "speed.md").read_text("utf-8")
    empty = module.fill(text, None)
    figure = Figure(case="exact", side=1024, batch=1, weights="random weights", seconds=1.25)
    filled = module.fill(empty, Results(machine={}, work="w", figures=(figure,)))
    assert filled.count(module.UNKNOWN) == empty.count(module.UNKNOWN) - 1
    assert "| exact (random weights) | 1.250 |" in filled
    assert module.fill(filled, None) == empty
