"""How near pictures stay when features are used again, by which steps are computed: ours against cache-dit's.

    python benchmarks/masks.py --out benchmarks/results/masks.json

Six animals by klein-nano on a processor, 28 guided steps, PSNR over all of them against every step computed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from ablation import machine
from numpy.typing import NDArray

from strikebox import api
from strikebox.flow import schedule, time_shift
from strikebox.generation.backend import Denoise
from strikebox.klein.backend import KleinBackend
from strikebox.klein.forward import Mask
from strikebox.klein.speed import tuning
from strikebox.klein.speed.options import Options
from strikebox.klein.speed.reuse import SHARES, mask
from strikebox.klein.speed.tiers import Switches

STEPS = 28
SUBJECTS = ("cat", "dog", "fox", "bear", "owl", "horse")
CACHE_DIT = {
    "slow": "1111111101110011100110010001",
    "medium": "1111110110001100011000110001",
    "fast": "1111110100010000100000100001",
    "ultra": "1111001000001000000100000001",
}
"""cache_dit.steps_mask(total_steps=28, mask_policy=...) of version 1.5.3."""


def pictures(computed: Mask | None) -> NDArray[np.float64]:
    """(6, height, width, 3)."""
    tuning.mask = lambda steps, policy: computed(steps) if computed else [True] * steps
    options = Options(switches=Switches(once=True, reuse="medium"))
    backend = KleinBackend.load(api.embedded("klein-nano"), device="cpu", dtype="float32", options=options)
    size = backend.model.size
    tokens = size.height * size.width // backend.model.pixels_per_token**2
    batch = [
        Denoise(
            latents=backend.noise(seed, size),
            sigmas=tuple(schedule(STEPS, time_shift(tokens, STEPS))),
            prompt=subject,
            guidance=4.0,
            lora=None,
            reference=None,
        )
        for seed, subject in enumerate(SUBJECTS)
    ]
    return np.stack(backend.decode(backend.denoise(batch))).astype(np.float64)


def psnr(computed: Sequence[bool], right: NDArray[np.float64]) -> dict[str, object]:
    found = pictures(lambda _: computed)
    drawn = "".join("01"[step] for step in computed)
    return {
        "computed": drawn,
        "psnr": round(float(10 * np.log10(255**2 / np.mean((found - right) ** 2))), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/masks.json"))
    args = parser.parse_args()
    right = pictures(None)
    figures = {
        policy: {
            "ours": psnr(mask(STEPS, policy), right),
            "cache-dit": psnr([step == "1" for step in CACHE_DIT[policy]], right),
        }
        for policy in SHARES
    }
    args.out.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
