"""Ablations without a clock, so that two runs of one design differ in nothing.

`python slow_lab.py real DESIGN OUT` is `strikebox ablate`, and `toy` the same with a toy that takes its time,
without measures.
"""

import sys
import time
from collections.abc import Sequence

from strikebox.generation import render
from strikebox.generation.backend import Denoise, Latents
from strikebox.generation.toy import ToyBackend

_STEP = 0.02  # seconds, of the toy


def toy(design: str, out: str) -> None:
    from strikebox.lab import design as designs
    from strikebox.lab import report, run

    slow = ToyBackend()
    denoise = slow.denoise

    def slowly(batch: Sequence[Denoise]) -> list[Latents]:
        time.sleep(_STEP * (len(batch[0].sigmas) - 1))
        return denoise(batch)

    slow.denoise = slowly  # type: ignore[method-assign]
    report.write(run.ablate(designs.load(design), slow, out), 0.1)


def real(design: str, out: str) -> None:
    from strikebox import cli

    cli.main(["ablate", design, "--out", out, "--resume"])


def main() -> None:
    render.perf_counter = lambda: 0.0
    how, design, out = sys.argv[1:]
    {"toy": toy, "real": real}[how](design, out)


if __name__ == "__main__":
    main()
