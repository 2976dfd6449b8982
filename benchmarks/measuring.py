"""How long runs of 75, 300 and 2,000 pictures take to measure, how much memory, and how large a report.

    python benchmarks/measuring.py --out benchmarks/results/measuring.json
    python benchmarks/measuring.py --recipes 10 --subjects 20 --seeds 10 --keep runs/planted

Nothing is generated: pictures are edits of the embedded labels and drawings, no two of them equal, so that
every metric has real work. A recipe with the LoRA repeats a training label now and then: leaks to find.
Run it on a machine that does nothing else; the load beside each figure says whether that was so.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "truths"))

import numpy as np
from ablation import machine
from PIL import Image
from planted import EDITS
from planted_run import design, plant

from strikebox import api, measuring
from strikebox.generation.backend import Pixels
from strikebox.generation.plan import Cell
from strikebox.lab import dataset
from strikebox.lab.run import Run

SIZES = [(5, 5, 3), (5, 20, 3), (10, 20, 10)]  # recipes, subjects, seeds
RECIPES = (
    "baseline", "lora", "sandwich", "style-prompt", "edit", "control-no-pass-1", "control-other-prompt",
    "control-low-pass", "gated", "soft", "thumbnail", "sandwich-0.8", "control-mean-colour",
    "control-phase-scrambled",
)  # fmt: skip
LEAKING = 0.3  # of the pictures that a recipe with the LoRA makes
NOISE = 6.0  # standard deviation, of 255: what keeps PNGs of generated pictures large


def one(size: Sequence[int], side: int, judge: str | None, folder: Path) -> dict[str, Any]:
    """A run of `size` planted in `folder` and measured, in this process."""
    recipes, subjects, seeds = size
    started = perf_counter()
    run = planted_run(folder, recipes, subjects, seeds, side)
    planting = perf_counter() - started
    labels = api.embedded("labels")
    options = measuring.Options(training=labels / "train", held_out=labels / "held-out", judge=judge)
    spent, before, worked = timed_parts(), os.getloadavg(), _processor()
    started = perf_counter()
    _, report = measuring.judge_run(run, options)
    seconds = perf_counter() - started
    spent["other"] = seconds - sum(spent.values())
    return {
        "pictures": len(run.table()),
        "recipes_subjects_seeds": list(size),
        "side_px": side,
        "judge": judge is not None,
        "seconds": round(seconds, 1),
        "seconds_by_part": {name: round(took, 1) for name, took in sorted(spent.items())},
        "seconds_planting": round(planting, 1),
        "seconds_of_processor": round(_processor() - worked, 1),  # over all cores, tesseract's with it
        "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "report_mib": round(report.stat().st_size / 2**20, 2),
        "pictures_mib": round(sum(p.stat().st_size for p in run.folder.pictures.folder.iterdir()) / 2**20, 1),
        "load_average": [round(load, 1) for load in (before[0], os.getloadavg()[0])],
        "at": datetime.now().isoformat(timespec="minutes"),
    }


def planted_run(folder: Path, recipes: int, subjects: int, seeds: int, side: int) -> Run:
    """A finished run whose pictures nobody generated."""
    training, held_out = (_pixels(api.embedded("labels") / part) for part in ("train", "held-out"))
    folders = sorted(path for path in api.embedded("distractors").iterdir() if path.is_dir())
    drawings = [pixels for folder in folders for pixels in _pixels(folder)]
    rows = dataset.read(api.embedded("labels") / "train").pictures
    known = tuple(dict.fromkeys(row.subject for row in rows if row.subject))
    names = tuple(known[i] if i < len(known) else f"{known[i % len(known)]} {i}" for i in range(subjects))
    chosen = design(*RECIPES[:recipes], subjects=names, seeds=tuple(range(1, seeds + 1)))

    def draw(cell: Cell) -> Pixels:
        rng = np.random.default_rng([names.index(cell.subject), cell.seed, RECIPES.index(cell.recipe.name)])
        leaks = cell.recipe.uses_lora and rng.random() < LEAKING
        source = training if leaks else (held_out if cell.recipe.uses_lora else drawings)
        pixels = source[rng.integers(len(source))]
        for name in rng.permutation(list(EDITS))[: 1 if leaks else 3]:
            pixels = EDITS[name](pixels, rng)
        large = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC))
        return (large + rng.normal(0, NOISE, large.shape)).round().clip(0, 255).astype(np.uint8)

    return plant(folder, chosen, draw)


def timed_parts() -> dict[str, float]:
    """Seconds by part from now on, each less what the parts inside it take."""
    from strikebox.lab import features, measure, report, verdict
    from strikebox.lab.verdict import export

    spent, inside = defaultdict[str, float](float), [0.0]

    def time(holder: Any, name: str, called: Callable[..., str]) -> None:
        plain = getattr(holder, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            started = perf_counter()
            inside.append(0.0)
            try:
                return plain(*args, **kwargs)
            finally:
                took = perf_counter() - started
                spent[called(*args)] += took - inside.pop()
                inside[-1] += took

        setattr(holder, name, timed)

    time(features.FeatureStore, "features", lambda store, extractor, *_: f"features, {extractor.name}")
    time(features.FeatureStore, "readings", lambda store, reader, *_: f"reading, {reader.name}")
    for part in ("style", "anatomy", "leakage", "lettering", "collapse", "handoffs"):
        time(getattr(measure, part), "measure", lambda *_, part=part: f"figures, {part}")
    time(verdict, "verdict", lambda *_: "statistics")
    time(export, "write", lambda *_: "export")
    time(report, "write", lambda *_: "report")
    return spent


def _pixels(folder: Path) -> list[Pixels]:
    return [picture.pixels() for picture in dataset.read(folder).pictures]


def _processor() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/measuring.json"))
    parser.add_argument("--recipes", type=int, choices=range(1, len(RECIPES) + 1), metavar="N")
    parser.add_argument("--subjects", type=int, default=5)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--side", type=int, default=128, help="of the pictures, px")
    parser.add_argument("--judge", help="a CLIP model; without one anatomy is not measured")
    parser.add_argument("--keep", type=Path, help="folder for a single run, which stays")
    args = parser.parse_args()
    if args.recipes:
        with tempfile.TemporaryDirectory() as folder:
            place = args.keep or Path(folder) / "run"
            print(json.dumps(one((args.recipes, args.subjects, args.seeds), args.side, args.judge, place)))
        return
    figures = []
    for recipes, subjects, seeds in SIZES:  # a process each: memory is that of one size
        size = ["--recipes", str(recipes), "--subjects", str(subjects), "--seeds", str(seeds)]
        command = [sys.executable, __file__, *size, "--side", str(args.side)]
        command += ["--judge", args.judge] if args.judge else []
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        figures.append(json.loads(done.stdout.splitlines()[-1]))
        print(figures[-1], flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
