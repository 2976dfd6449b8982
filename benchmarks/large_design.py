"""Designs of 1,000, 3,000 and 10,000 pictures: seconds of plan, run, measuring and report, memory, size.

    python benchmarks/large_design.py --out benchmarks/results/large-design.json

The toy backend makes the pictures, so that what is measured is everything around a model. The figures that
the report shows are planted; measuring itself takes what `benchmarks/measuring.py` says, and here the part of
it that compares pictures with each other (collapse) runs on real features of the toy's pictures. Seconds of
the processor say more where the machine has other work. TMPDIR=/dev/shm leaves the disk out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from time import perf_counter, process_time

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "lab"))

import measured_fixture as planted
import numpy as np
from ablation import machine

from strikebox.extractors import registry
from strikebox.generation.plan import make_plan
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design as designs
from strikebox.lab import report, run
from strikebox.lab.design import Design
from strikebox.lab.measure import Instruments, References, collapse
from strikebox.lab.measure.looked import Looked

SIZES = (1_000, 3_000, 10_000)
SUBJECTS = 20


def large(pictures: int) -> Design:
    """Five recipes, 20 subjects, as many seeds as it takes."""
    seed = designs.load("seed")
    subjects = tuple(f"{kind} {number}" for kind in seed.subjects for number in range(1, 5))
    seeds = tuple(range(1, pictures // (len(seed.recipes) * SUBJECTS) + 1))
    return replace(seed, subjects=subjects, seeds=seeds)


def one(pictures: int, folder: Path) -> dict[str, object]:
    """All parts of a design of so many pictures, in this process."""
    took: dict[str, float] = {}
    work: dict[str, float] = {}
    memory: dict[str, int] = {}

    @contextmanager
    def timed(part: str) -> Iterator[None]:
        started, worked = perf_counter(), process_time()
        yield
        took[part], work[part] = round(perf_counter() - started, 2), round(process_time() - worked, 2)
        memory[part] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

    design, backend = large(pictures), ToyBackend()
    with timed("plan"):
        make_plan(designs.cells(design, backend.model), backend.model)
    with timed("run"):
        made = run.ablate(design, backend, folder)
    with timed("table"):
        made.table()
    with timed("collapse"):
        looked = Looked(made, made.table(), instruments(), References(), lambda *_: None)
        collapse.measure(looked, np.random.default_rng(0))
    with timed("verdict"):
        judged = planted.verdict(made)
    with timed("report"):
        path = report.write(made, 0.1, judged)
    return {
        "pictures": len(design.recipes) * len(design.subjects) * len(design.seeds),
        "seconds": took,
        "seconds_of_processor": work,
        "peak_memory_mib_after": memory,
        "report_mib": round(path.stat().st_size / 2**20, 2),
        "load_average": round(os.getloadavg()[0], 1),
        "at": datetime.now().isoformat(timespec="minutes"),
    }


def instruments() -> Instruments:
    """Those that need no weights."""
    palette, layout = registry.extractor("palette"), registry.extractor("composition")
    return Instruments(
        style=(palette,), copies=(), layout=layout, trace=layout, noise=layout, letters=layout,
        judge=None, reader=None,
    )  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/large-design.json"))
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, metavar="PICTURES")
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(one(args.one, Path(folder) / "run")))
        return
    figures: list[dict[str, object]] = []
    for size in args.sizes:  # a process each: memory is that of one size
        command = [sys.executable, __file__, "--one", str(size)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        figures.append(json.loads(done.stdout.splitlines()[-1]))
        print(figures[-1], flush=True)
        args.out.parent.mkdir(parents=True, exist_ok=True)
        args.out.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
