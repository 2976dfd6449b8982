"""How long the 75 pictures take, by precision and batch size, and one sandwich by itself.

    python benchmarks/ablation.py --out benchmarks/results/ablation.json

Run it on a machine that does nothing else. The figures are written with machine, versions and date.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

SETTINGS = [("bfloat16", 1), ("bfloat16", 8), ("bfloat16", 16), ("bfloat16", 32), ("float32", 8)]


def one(dtype: str, batch_size: int) -> dict[str, float | int | str]:
    """The seed design once, and one sandwich after it, in this process."""
    import strikebox as sb

    started = perf_counter()
    backend = sb.load_backend(dtype=dtype)
    loaded = perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        run = sb.ablate("seed", f"{folder}/run", backend=backend, batch_size=batch_size)
        started = perf_counter()
        sb.generate("cat", "sandwich", backend=backend)
        alone = perf_counter() - started
        return {
            "dtype": dtype,
            "batch_size": batch_size,
            "seconds_75_pictures": round(run.seconds, 1),
            "seconds_sandwich": round(alone, 2),
            "seconds_loading": round(loaded, 1),
            "peak_memory_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        }


def machine() -> dict[str, object]:
    """Where the figures come from."""
    names = [line.split(":", 1)[1].strip() for line in _cpu() if line.startswith("model name")]
    packages = {name: version(name) for name in ("torch", "diffusers", "transformers", "strikebox")}
    return {
        "processor": names[0] if names else platform.processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "packages": packages,
        "date": date.today().isoformat(),
    }


def _cpu() -> list[str]:
    path = Path("/proc/cpuinfo")
    return path.read_text().splitlines() if path.exists() else []


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/ablation.json"))
    parser.add_argument("--one", nargs=2, metavar=("DTYPE", "BATCH"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.one:
        print(json.dumps(one(args.one[0], int(args.one[1]))))
        return
    figures = []
    for dtype, batch in SETTINGS:  # a process each: memory is that of one setting
        command = [sys.executable, __file__, "--one", dtype, str(batch)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        figures.append(json.loads(done.stdout.splitlines()[-1]))
        print(figures[-1], flush=True)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
