"""Measure the spectrum of a model's latents on the training labels, and write it into the model's folder.

    python nano/spectrum.py --model src/strikebox/embedded/klein-nano

Blueprints read it: it says what of a first pass stands out of the noise that a second pass starts from.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from strikebox.klein.backend import KleinBackend
from strikebox.klein.description import SPECTRUM
from strikebox.lab import spectrum
from strikebox.training import data

LABELS = Path("src/strikebox/embedded/labels/train")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("src/strikebox/embedded/klein-nano"))
    parser.add_argument("--pictures", type=Path, default=LABELS)
    args = parser.parse_args()
    backend = KleinBackend.load(args.model, device="cpu", dtype="float32")
    pictures = list(data.read(args.pictures).pictures)
    batches = (backend.encode(pictures[i : i + 32]) for i in range(0, len(pictures), 32))
    latents = [one for batch in batches for one in batch]
    measured = spectrum.measure(f"{len(latents)} matchbox labels", latents)
    (args.model / SPECTRUM).write_text(measured.to_json() + "\n")
    for sigma in (0.99, 0.96, 0.9, 0.8, 0.7):
        print(f"sigma {sigma}: {measured.bits_across(sigma):.1f} bits, {measured.surviving(sigma)}")


if __name__ == "__main__":
    main()
