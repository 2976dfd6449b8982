"""`strikebox`, without a clock: two runs of one design then differ in nothing.

With STRIKEBOX_FAULTS_TOY set, ablations are made by a toy that takes its time.
"""

import os
import sys
import time
from collections.abc import Sequence

from strikebox import api, cli
from strikebox.generation import render
from strikebox.generation.backend import Denoise, Latents
from strikebox.generation.toy import ToyBackend

TOY = "STRIKEBOX_FAULTS_TOY"  # seconds a step


def slow_toy(seconds: float) -> ToyBackend:
    toy = ToyBackend()
    fast = toy.denoise

    def denoise(batch: Sequence[Denoise]) -> list[Latents]:
        time.sleep(seconds * (len(batch[0].sigmas) - 1))
        return fast(batch)

    toy.denoise = denoise  # type: ignore[method-assign]
    return toy


def main() -> None:
    render.perf_counter = lambda: 0.0
    if (seconds := os.environ.get(TOY)) is not None:
        api.load_backend = lambda *_, **__: slow_toy(float(seconds))  # type: ignore[assignment]
    cli.main(sys.argv[1:])


if __name__ == "__main__":
    main()
