"""Measure the embedded models against what is asked of them, and print the figures for their cards as JSON.

    python nano/measure.py --data build/nano --out build/nano/measured.json

Needs the drawings (nano/drawings.py) and, for lettering, tesseract with Russian.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
from collections.abc import Callable, Sequence
from difflib import SequenceMatcher
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from animals import NAMES
from captions import BACKGROUNDS, ground_en
from PIL import Image
from world import Drawings, background_colours, compose, load_drawings, load_labels

from strikebox import flow
from strikebox.extractors.judge import ClipJudge
from strikebox.generation.backend import Denoise, Pixels
from strikebox.generation.plan import noise_seed
from strikebox.klein.backend import KleinBackend

EMBEDDED = Path("src/strikebox/embedded")
SEEDS = (1, 2, 3, 4, 5)
EDIT_GROUNDS = ("red", "yellow", "green", "blue", "black")
STEPS, GUIDANCE = 28, 4.0
READ_AT = 0.8  # similarity from which a slogan counts as read
SAME_COLOUR = 48  # largest distance of a corner's mean colour, per channel, of 255
_PAGE_MODES = ("11", "6", "7")


class Judge:
    """Names what pictures show, among the forty animals."""

    def __init__(self, folder: Path) -> None:
        self._judge = ClipJudge(folder)
        self._names = self._judge.words(NAMES)

    def __call__(self, pictures: Sequence[Pixels]) -> list[str]:
        likeness = np.stack(self._judge(pictures)) @ self._names.T
        return [NAMES[i] for i in likeness.argmax(1).tolist()]


def autoencoder(backend: KleinBackend, held_out: Drawings) -> dict[str, float]:
    """Mean PSNR of a round trip of the held-out drawings on white, dB."""
    true = _on_white(held_out)
    made = backend.decode(backend.encode(true))
    errors = [np.mean((a.astype(float) - b) ** 2) for a, b in zip(true, made, strict=True)]
    return {"held_out_psnr_db": float(np.mean([10 * np.log10(255**2 / max(e, 1e-3)) for e in errors]))}


def lettering(backend: KleinBackend, labels: Path) -> dict[str, float | int]:
    """Share of the held-out slogans that tesseract reads before the round trip and reads after it."""
    records, pixels = load_labels(labels)
    before = list(pixels.permute(0, 2, 3, 1).numpy())
    after = backend.decode(backend.encode(before))
    read = [reads(picture, r["slogan"]) for picture, r in zip(before, records, strict=True)]
    kept = [reads(after[i], records[i]["slogan"]) for i, ok in enumerate(read) if ok]
    return {"slogans": len(records), "read_before": sum(read), "read_after": sum(kept), "kept": _share(kept)}


def reads(picture: Pixels, slogan: str) -> bool:
    """Does tesseract find `slogan` in the picture enlarged four times, in one of three page modes?"""
    large = Image.fromarray(picture).resize((picture.shape[1] * 4, picture.shape[0] * 4), Image.Resampling.LANCZOS)
    png = BytesIO()
    large.save(png, "PNG")
    return any(_similar(_ocr(png.getvalue(), mode), slogan) >= READ_AT for mode in _PAGE_MODES)


def named(judge: Judge, held_out: Drawings) -> dict[str, float]:
    """The judge's top-1 over the forty animals on held-out drawings, on white."""
    animals = held_out.where(torch.tensor([bool(r["animal"]) for r in held_out.records]))
    guesses = judge(_on_white(animals))
    return {"judge_top1": _share([a == r["animal"] for a, r in zip(guesses, animals.records, strict=True)])}


def recognised(backend: KleinBackend, judge: Judge) -> dict[str, float]:
    """Share of base pictures, forty animals by five seeds, that the judge names rightly."""
    pictures = _make(backend, [(name, seed) for name in NAMES for seed in SEEDS])
    wanted = [name for name in NAMES for _ in SEEDS]
    return {"base_recognised": _share([a == b for a, b in zip(judge(pictures), wanted, strict=True)])}


def edits(backend: KleinBackend, judge: Judge) -> dict[str, float]:
    """Native edit of a base picture to another ground: colour as asked, subject kept as the judge saw it."""
    cells = [(name, SEEDS[0]) for name in NAMES]
    before = _make(backend, cells)
    subject = judge(before)
    coloured, kept = [], []
    for ground in EDIT_GROUNDS:
        asked = [(f"{name}, {ground_en(ground)}", seed + 100) for name, seed in cells]
        after = _make(backend, asked, before)
        rgb = next(b.rgb for b in BACKGROUNDS if b.en == ground)
        coloured += [_ground_is(picture, rgb) for picture in after]
        kept += [a == b for a, b in zip(judge(after), subject, strict=True)]
    return {"edit_colour_as_asked": _share(coloured), "edit_subject_kept": _share(kept)}


def _make(
    backend: KleinBackend, cells: Sequence[tuple[str, int]], references: Sequence[Pixels] | None = None
) -> list[Pixels]:
    size = backend.model.size
    sigmas = tuple(flow.schedule(STEPS, flow.time_shift(backend.model.tokens(size), STEPS)))
    latents = backend.encode(references) if references else [None] * len(cells)
    requests = [
        Denoise(
            latents=backend.noise(noise_seed(seed, 0), size), sigmas=sigmas, prompt=prompt, guidance=GUIDANCE,
            lora=None, reference=reference,
        )
        for (prompt, seed), reference in zip(cells, latents, strict=True)
    ]  # fmt: skip
    return [p for i in range(0, len(requests), 8) for p in backend.decode(backend.denoise(requests[i : i + 8]))]


def _on_white(drawings: Drawings) -> list[Pixels]:
    white = background_colours(torch.device("cpu"))[:1].expand(len(drawings), -1)
    pictures = compose(drawings.rgba, drawings.ink_only, white)
    return list(((pictures.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())


def _ground_is(picture: Pixels, rgb: tuple[int, int, int]) -> bool:
    """Do at least three of the four corners have this colour?"""
    corners = [picture[y, x].reshape(-1, 3).mean(0) for y in _ENDS for x in _ENDS]
    return sum(bool(np.abs(corner - rgb).max() <= SAME_COLOUR) for corner in corners) >= 3


_ENDS = (slice(0, 6), slice(-6, None))


def _ocr(png: bytes, mode: str) -> str:
    command = ["tesseract", "-", "-", "-l", "rus", "--psm", mode]
    return subprocess.run(command, input=png, capture_output=True, check=True).stdout.decode()


def _similar(text: str, slogan: str) -> float:
    """Best similarity of `slogan` with a window of `text`, letters and digits alone, 0 to 1."""
    found, wanted = ("".join(c for c in t.upper() if c.isalnum()) for t in (text, slogan))
    windows = [found[i : i + len(wanted)] for i in range(max(1, len(found) - len(wanted) + 1))]
    return max(SequenceMatcher(None, window, wanted).ratio() for window in windows)


def _share(hits: Sequence[bool]) -> float:
    return sum(hits) / len(hits) if hits else float("nan")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("build/nano"))
    parser.add_argument("--embedded", type=Path, default=EMBEDDED)
    parser.add_argument("--out", type=Path, default=Path("build/nano/measured.json"))
    args = parser.parse_args()
    drawings = load_drawings(args.data)
    held_out = drawings.where(drawings.held_out)
    backend = KleinBackend.load(args.embedded / "klein-nano", device="cpu", dtype="float32")
    checks: list[Callable[[], dict]] = [lambda: autoencoder(backend, held_out)]
    if shutil.which("tesseract"):
        checks.append(lambda: lettering(backend, args.embedded / "labels" / "held-out"))
    if (args.embedded / "judge").exists():
        judge = Judge(args.embedded / "judge")
        checks.append(lambda: named(judge, held_out))
        checks += [lambda: recognised(backend, judge), lambda: edits(backend, judge)]
    measured: dict[str, float] = {}
    for check in checks:
        measured |= check()
        print(json.dumps(measured), flush=True)
    args.out.write_text(json.dumps(measured, indent=2) + "\n")


if __name__ == "__main__":
    main()
