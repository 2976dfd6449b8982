"""What each tier of speed does to the 75 pictures: how near they stay, and what the lab says of them.

    python benchmarks/tiers.py make --device cuda --runs runs/tiers   # on the card
    python benchmarks/tiers.py look --runs runs/tiers                 # there, or where it was copied to

`look` compares with the folder `exact` and writes benchmarks/results/tiers.json.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import polars as pl
from PIL import Image
from science import row

from strikebox import api, measuring
from strikebox.klein.backend import KleinBackend
from strikebox.klein.speed.options import Options
from strikebox.lab import design as designs
from strikebox.lab import run as runs
from strikebox.lab.run import Run
from strikebox.lab.verdict import export

TIERS = {
    "exact": Options(speed="exact"),
    "quantised": Options(speed="quantised"),
    "approximate": Options(speed="approximate"),
    "ultra": Options(speed="approximate", reuse="ultra"),
}


def make(folder: Path, device: str) -> None:
    design = designs.load("seed")
    for name, options in TIERS.items():
        lora = api.embedded("lora/pytorch_lora_weights.safetensors")
        backend = KleinBackend.load(api.embedded("klein-nano"), lora, device=device, options=options)
        runs.ablate(design, backend, folder / name, settings=backend.became.settings)
        print(name, backend.became, flush=True)


def look(folder: Path, names: Sequence[str]) -> dict[str, Any]:
    """By run and recipe: the verdict's columns, the least q of a leak, and PSNR to the first run's, dB."""
    exact = Run.open(folder / names[0]).table()
    found: dict[str, Any] = {}
    for name in names:
        run = Run.open(folder / name)
        verdict, _ = measuring.judge_run(run, measuring.Options())
        table = json.loads(export.as_json(verdict))["table"]
        cells = pl.read_parquet(folder / name / "cells.parquet")
        recipes = [row(line) for line in table]
        for recipe in recipes:
            of = pl.col("recipe") == recipe["recipe"]
            pictures = zip(exact.filter(of)["picture"], run.table().filter(of)["picture"], strict=True)
            recipe["psnr"] = None if name == names[0] else round(median(psnr(*pair) for pair in pictures), 1)
            recipe["least_q"] = cells.filter(of)["leak_q"].min()
        found[name] = recipes
    return found


def psnr(one: str, other: str) -> float:
    pixels = [np.asarray(Image.open(path), dtype=np.float64) for path in (one, other)]
    return float(10 * np.log10(255**2 / np.mean((pixels[0] - pixels[1]) ** 2)))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("make", "look"))
    parser.add_argument("--runs", type=Path, default=Path("runs/tiers"))
    parser.add_argument("--device", default="auto")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/tiers.json"))
    args = parser.parse_args()
    if args.what == "make":
        make(args.runs, args.device)
    else:
        args.out.write_text(json.dumps(look(args.runs, list(TIERS)), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
