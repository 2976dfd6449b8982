"""FLUX.2-klein-base-4B's shape with random weights on a graphics card, in pieces of a few minutes each.

    PYTHONPATH=src python benchmarks/full_size.py --cases stock,fair --sizes 1024 --out full-size.json
    PYTHONPATH=src python benchmarks/full_size.py --piece exact --out full-size.json

It needs torch, transformers, peft and diffusers, and torchao and cache-dit for their tiers; Strikebox is not
installed. Each line is in the file as soon as it was measured, and what the file holds is not measured again:
a piece that was cut off is simply run once more. `--tiny` looks whether everything runs, on any machine.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

from strikebox.klein.bench import suite
from strikebox.klein.bench.random_weights import KLEIN_4B, TINY
from strikebox.lab.bench import page
from strikebox.lab.bench.figures import Figure

# Cases, sides, batches, repeats. Those that must be measured come first, should the machine be taken away.
Piece = tuple[tuple[str, ...], tuple[int, ...], tuple[int, ...], int]
_REDUCED = ("approximate-half-pass-1", "approximate-quarter-pass-1")
_MOST_REDUCED = ("approximate-reduced", "approximate-ultra-reduced")
PIECES: dict[str, Piece] = {
    "stock": (("stock", "fair"), (1024,), (1,), 3),
    "exact": (("exact", "plain"), (1024,), (1,), 3),
    "quantised": (("quantised",), (1024,), (1,), 3),
    "approximate": (("approximate", *_MOST_REDUCED), (1024,), (1,), 3),
    "512": (("exact", "fair", "quantised", "stock"), (512,), (1,), 3),
    "grid": (("grid-1", "grid-4"), (1024,), (1,), 1),
    "256": (("exact", "fair", "quantised", "stock"), (256,), (1,), 3),
    "768": (("exact", "fair", "quantised", "stock"), (768,), (1,), 3),
    "reduced": (_REDUCED, (1024,), (1,), 3),
    "batches-512-exact": (("exact",), (512,), (2, 4, 8, 16), 1),
    "batches-512-quantised": (("quantised",), (512,), (2, 4, 8, 16), 1),
    "batches-512-fair": (("fair",), (512,), (4, 16), 1),
    "batches-1024-exact": (("exact",), (1024,), (2, 4, 8), 1),
    "batches-1024-quantised": (("quantised",), (1024,), (2, 4, 8), 1),
}


def say(line: Figure) -> None:
    took = f"failed: {line.error}" if line.error else f"{line.seconds or 0:.3f} s"
    if line.psnr is not None:
        took = f"{line.psnr:.1f} dB, distance {line.distance:.4f}"
    more = f", {line.tflops:.0f} TFLOP/s, {line.share:.0%}" if line.tflops and line.share else ""
    first = (
        f", first {line.first_seconds:.0f} s, load {line.load_seconds or 0:.0f} s"
        if line.first_seconds
        else ""
    )
    print(f"{line.key}: {took}{more}{first}; {' | '.join(line.notes)}", flush=True)


def pieces(args: argparse.Namespace) -> list[Piece]:
    if args.cases:
        sides, batches = (tuple(int(word) for word in text.split(",")) for text in (args.sizes, args.batches))
        return [(tuple(args.cases.split(",")), sides, batches, args.repeats)]
    return [PIECES[name] for name in args.piece.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--piece", default=",".join(PIECES), help=f"of {', '.join(PIECES)}; default: all")
    parser.add_argument("--cases", help="names of cases, in place of a piece")
    parser.add_argument("--sizes", default="1024")
    parser.add_argument("--batches", default="1")
    parser.add_argument("--repeats", type=int, default=3, help="with --cases")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--price", type=float, help="dollars an hour of the machine")
    parser.add_argument("--fidelity", action="store_true", help="likeness to the plain path instead of time")
    parser.add_argument("--model", help="a model's directory in place of random weights")
    parser.add_argument("--lora", type=Path, help="with --model")
    parser.add_argument("--tiny", action="store_true", help="a tiny architecture, 64 px, two steps")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/full-size.json"))
    args = parser.parse_args()
    args.out.parent.mkdir(parents=True, exist_ok=True)
    started = perf_counter()
    for cases, sides, batches, repeats in pieces(args):
        asked = suite.Asked(
            cases=cases,
            sides=(64,) if args.tiny else sides,
            batches=batches,
            repeats=1 if args.tiny else repeats,
            model=args.model,
            lora=args.lora,
            architecture=TINY if args.tiny else KLEIN_4B,
            device=args.device,
            dollars_per_hour=args.price,
            steps=4 if args.tiny else None,
            fidelity=args.fidelity,
        )
        results = suite.run(asked, args.out, say)
        args.out.with_suffix(".html").write_text(page.html(results), encoding="utf-8")
    print(f"{perf_counter() - started:.0f} s in all; {args.out}", file=sys.stderr)


if __name__ == "__main__":
    main()
