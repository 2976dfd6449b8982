"""Fills the tables of docs/speed.md from benchmarks/results, and draws its curves.

python benchmarks/speed_page.py
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from strikebox.lab.bench import page
from strikebox.lab.bench.figures import Results, read

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "benchmarks" / "results"
RESULTS = FOLDER / "full-size.json"
PAGE = ROOT / "docs" / "speed.md"
CURVES = ROOT / "docs" / "images" / "speed.svg"
UNKNOWN = "Not measured yet."
_TABLE = re.compile(r"(<!-- (\d+) px -->\n).*?(?=\n<!-- end -->)", re.DOTALL)
_ROWS = re.compile(r"(<!-- (tiers|cpu) -->\n).*?(?=<!-- end -->)", re.DOTALL)
_RECIPES = ("baseline", "style-prompt", "edit", "sandwich", "lora")
_CASES = {
    "stock": "#8a8578",
    "fair": "#b9a77c",
    "exact": "#b3261e",
    "quantised": "#1f5c99",
    "approximate": "#3f7d3a",
}


def fill(text: str, results: Results | None) -> str:
    """The page with the tables of `results` in it."""

    def table(found: re.Match[str]) -> str:
        side = int(found[2])
        known = results is not None and any(figure.side == side for figure in results.figures)
        return found[1] + (page.markdown(results, side) if results and known else UNKNOWN)

    return _TABLE.sub(table, text)


def fill_rows(text: str) -> str:
    """The page with the rows of tiers.json and cpu.json in it."""
    rows = {"tiers": tiers, "cpu": processor}
    return _ROWS.sub(lambda found: found[1] + "".join(f"{line}\n" for line in rows[found[2]]()), text)


def tiers() -> list[str]:
    """What each tier does to each recipe's 15 pictures."""
    known: dict[str, list[dict[str, Any]]] = json.loads((FOLDER / "tiers.json").read_text("utf-8"))
    emulated = json.loads((FOLDER / "eight-attention.json").read_text("utf-8"))
    known = {"exact": known.pop("exact"), "attention in 8 bits": emulated["eight"], **known}
    by_recipe = {(tier, row["recipe"]): row for tier, rows in known.items() for row in rows}
    return [_tier(recipe, tier, by_recipe[tier, recipe]) for recipe in _RECIPES for tier in known]


def _tier(recipe: str, tier: str, row: dict[str, Any]) -> str:
    counts = [f"{row[name]['hits']} of {row[name]['n']}" for name in ("whole", "noise", "leaked")]
    lettering = f"{row['lettering']['estimate']:.2f}" if recipe != "baseline" else "–"
    psnr = "–" if row["psnr"] is None else f"{row['psnr']:.1f}"
    cells = (recipe, tier, psnr, f"{round(row['style']['estimate'], 2) + 0.0:.2f}", *counts, lettering)
    return f"| {' | '.join(cells)} |"


def processor() -> list[str]:
    """The 75 pictures on two cores, stock and ours."""
    figures = json.loads((FOLDER / "cpu.json").read_text("utf-8"))["figures"]
    lines = ["| | float32, s | × stock | bfloat16, s | × stock |", "|---|---|---|---|---|"]
    for name in dict.fromkeys(figure["line"] for figure in figures):
        of = {figure["dtype"]: figure for figure in figures if figure["line"] == name}
        cells = [f"{of[d]['seconds']:.0f} | {of[d]['times_stock']:.2f}" for d in ("float32", "bfloat16")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def draw(results: Results) -> None:
    """Seconds a picture against its FLOPs, and against how many are made at once."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "strikebox"  # equal figures, equal bytes
    from matplotlib import pyplot

    figure, (work, batch) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for case, colour in _CASES.items():
        found = [f for f in results.figures if f.case == case and f.seconds and f.tflops]
        curve = sorted((f.seconds * f.tflops, f.seconds, f.side) for f in found if f.batch == 1)  # type: ignore[operator]
        work.plot([x for x, _, _ in curve], [y for _, y, _ in curve], "o-", color=colour, label=case)
        for side, style in ((1024, "-"), (512, "--")):
            many = sorted((f.batch, f.seconds) for f in found if f.side == side)
            if len(many) > 1:
                batch.plot(*zip(*many, strict=True), f"o{style}", color=colour, label=f"{case}, {side} px")
    alone = [f for f in results.figures if f.case == "exact" and f.batch == 1 and f.seconds and f.tflops]
    sides = [(f.side, f.seconds * f.tflops) for f in alone]  # type: ignore[operator]
    work.set(xscale="log", yscale="log", ylabel="s a picture", xlabel="TFLOP a picture")
    work.set_xticks([flops for _, flops in sides], [f"{flops:,.0f}\n{side} px" for side, flops in sides])
    work.set_yticks([0.5, 1, 2, 5, 10], ["0.5", "1", "2", "5", "10"])
    work.minorticks_off()
    batch.set(xlabel="pictures at once", ylim=(0, None), xticks=[1, 2, 4])
    for axes in (work, batch):
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(CURVES, metadata={"Date": None})


def main() -> None:
    results = read(RESULTS) if RESULTS.exists() else None
    PAGE.write_text(fill_rows(fill(PAGE.read_text("utf-8"), results)), encoding="utf-8")
    if results is not None:
        draw(results)


if __name__ == "__main__":
    main()
