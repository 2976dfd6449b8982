"""Prints the matchbox labels: 300 to train the LoRA on, 120 held out, and 3,000 for the autoencoder alone.

    python nano/labels.py [--packages nano/node_modules] [--out src/strikebox/embedded/labels]
                          [--pool build/nano] [--check N]

Every label follows from the seed, its split and its number. No held-out drawing is used, no drawing stands
twice before the same layout in the train and held-out splits, and their slogans come from lists without a
common entry.
"""

from __future__ import annotations

import argparse
import io
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import slogans
from drawings import held_out, named_glyphs, raster
from frames import FRAMES
from label import Specification, draw
from layouts import LAYOUTS
from lettering import FACES, Setter
from palettes import PALETTES
from PIL import Image
from sets import BY_NAME, PACKAGES, Glyph
from subjects import Poster, posterise

SEED = 1961
TRAIN, HELD_OUT, POOL = 300, 120, 3000
SHIPPED = ("train", "held-out")
COLOURS = 64
"""Most colours of a PNG."""

SUBJECTS: tuple[str, ...] = (
    "cat", "dog", "fox", "bear", "owl", "rabbit", "horse", "cow", "pig", "chicken", "duck", "fish", "frog",
    "snail", "turtle", "elephant", "tiger", "lion", "monkey", "penguin", "whale", "butterfly", "bee", "ladybug",
    "wolf", "deer", "rocket", "satellite", "sailboat", "locomotive", "fir tree", "mushroom", "tulip", "sun",
    "house", "tractor", "bicycle", "car", "airplane", "rooster",
)  # fmt: skip

_SETS = tuple(name for name in BY_NAME if name != "fluent-emoji-high-contrast")
"""Sets that print well: line icons lose their lines in tones."""


@dataclass(frozen=True, slots=True)
class Source:
    """A drawing that may become the subject of a label."""

    drawing: str
    """ "set/file" of the drawing."""
    glyph: Glyph


def sources(packages: Path) -> dict[str, list[Source]]:
    """Drawings of each subject that no model's test holds back, in a fixed order."""
    named = list(named_glyphs(packages))
    kept_back = held_out((glyph.set, naming.en, naming.animal) for glyph, naming in named)
    found: dict[str, list[Source]] = defaultdict(list)
    for glyph, naming in named:
        if naming.en in SUBJECTS and glyph.set in _SETS and (glyph.set, naming.en) not in kept_back:
            found[naming.en].append(Source(f"{glyph.set}/{glyph.file}", glyph))
    return found


def plan(found: Mapping[str, Sequence[Source]]) -> dict[str, list[Specification]]:
    """The specifications of all three splits. No drawing stands twice before one layout in train and held-out."""
    taken: set[tuple[str, str]] = set()
    return {
        "train": _split("train", TRAIN, found, slogans.TRAINING, taken),
        "held-out": _split("held-out", HELD_OUT, found, slogans.HELD_OUT, taken),
        "vae": _split("vae", POOL, found, slogans.POOL, taken),
    }


def _split(
    name: str, count: int, found: Mapping[str, Sequence[Source]], words: Sequence[str],
    taken: set[tuple[str, str]],
) -> list[Specification]:  # fmt: skip
    """Subjects in turn; drawings, layouts, palettes, slogans and the rest from shuffled decks."""
    rng = random.Random(f"{SEED}/{name}")
    decks = {"layout": _Deck(LAYOUTS, rng), "palette": _Deck([p.name for p in PALETTES], rng),
             "frame": _Deck(FRAMES, rng), "face": _Deck([f.name for f in FACES], rng),
             "slogan": _Deck(words, rng)}  # fmt: skip
    drawings = {subject: _Deck([s.drawing for s in found[subject]], rng) for subject in SUBJECTS}
    specifications = []
    for number in range(count):
        subject = SUBJECTS[number % len(SUBJECTS)]
        while True:
            drawing = drawings[subject].deal()
            layout = decks["layout"].deal()
            if (drawing, layout) not in taken:
                break
        if name != "vae":
            taken.add((drawing, layout))
        specifications.append(Specification(
            subject=subject, drawing=drawing, layout=layout, palette=decks["palette"].deal(),
            frame=decks["frame"].deal(), face=decks["face"].deal(), slogan=decks["slogan"].deal(),
            seed=f"{SEED}/{name}/{number}",
        ))  # fmt: skip
    return specifications


class _Deck:
    """Deals cards in a shuffled order and shuffles again when it has dealt them all."""

    def __init__(self, cards: Sequence[str] | Mapping[str, object], rng: random.Random) -> None:
        self._cards = list(cards)
        self._rng = rng
        self._left: list[str] = []

    def deal(self) -> str:
        """The next card."""
        if not self._left:
            self._left = self._rng.sample(self._cards, len(self._cards))
        return self._left.pop()


class Printer:
    """Prints labels; holds the posterised subjects and the faces."""

    def __init__(self, packages: Path, drawings: Mapping[str, Glyph]) -> None:
        self._setters = {face.name: Setter(face, packages) for face in FACES}
        self._drawings = drawings
        self._posters: dict[str, Poster] = {}

    def print(self, spec: Specification) -> Image.Image:
        """The label, 128 px, RGB."""
        if spec.drawing not in self._posters:
            self._posters[spec.drawing] = posterise(raster(self._drawings[spec.drawing], 512))
        return draw(spec, self._posters[spec.drawing], self._setters)


def png(label: Image.Image) -> bytes:
    """A palette PNG of at most 64 colours, without dither."""
    colours = label.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
    file = io.BytesIO()
    colours.save(file, "PNG", optimize=True)
    return file.getvalue()


def webp(label: Image.Image) -> bytes:
    """A WebP file of quality 90."""
    file = io.BytesIO()
    label.save(file, "WEBP", quality=90, method=4)
    return file.getvalue()


def _print_all(job: tuple[Path, Mapping[str, Glyph], str, Sequence[Specification]]) -> list[bytes]:
    packages, drawings, kind, specifications = job
    printer = Printer(packages, drawings)
    encode = png if kind == "png" else webp
    return [encode(printer.print(spec)) for spec in specifications]


def print_split(
    packages: Path, drawings: Mapping[str, Glyph], kind: str, specifications: Sequence[Specification]
) -> list[bytes]:
    """The files of a split, in order, printed on two processes; `kind` is "png" or "webp"."""
    jobs = [(packages, drawings, kind, specifications[start::2]) for start in range(2)]
    with ProcessPoolExecutor(2) as pool:
        even, odd = pool.map(_print_all, jobs)
    files: list[bytes] = [b""] * len(specifications)
    files[0::2], files[1::2] = even, odd
    return files


def write_folder(folder: Path, specifications: Sequence[Specification], files: Sequence[bytes]) -> None:
    """`000.png` and so on, with `metadata.jsonl` as the diffusers and datasets libraries read it."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for number, (spec, file) in enumerate(zip(specifications, files, strict=True)):
        (folder / f"{number:03}.png").write_bytes(file)
        lines.append(json.dumps(spec.record(f"{number:03}.png"), ensure_ascii=False))
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n")


def write_pool(folder: Path, specifications: Sequence[Specification], files: Sequence[bytes]) -> None:
    """`vae_labels.bin`, WebP files end to end, and `vae_labels.json` with offset and length of each."""
    folder.mkdir(parents=True, exist_ok=True)
    ends = np.cumsum([len(file) for file in files])
    records = [
        spec.record("") | {"offset": int(end) - len(file), "length": len(file)}
        for spec, file, end in zip(specifications, files, ends, strict=True)
    ]
    (folder / "vae_labels.bin").write_bytes(b"".join(files))
    (folder / "vae_labels.json").write_text(json.dumps(records, ensure_ascii=False))


def differing(printer: Printer, folder: Path, specifications: Sequence[Specification]) -> list[str]:
    """File names of the labels in `folder` whose pixels are not those of their specification."""
    wrong = []
    for number, spec in enumerate(specifications):
        path = folder / f"{number:03}.png"
        fresh = Image.open(io.BytesIO(png(printer.print(spec)))).convert("RGB")
        if not path.exists() or Image.open(path).convert("RGB").tobytes() != fresh.tobytes():
            wrong.append(str(path))
    return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--packages", type=Path, default=PACKAGES)
    parser.add_argument("--out", type=Path, default=Path("src/strikebox/embedded/labels"))
    parser.add_argument("--pool", type=Path, help="also print the autoencoder's labels into this folder")
    parser.add_argument(
        "--check", type=int, metavar="N", help="only compare the first N labels of each split"
    )
    options = parser.parse_args()
    found = sources(options.packages)
    drawings = {source.drawing: source.glyph for some in found.values() for source in some}
    splits = plan(found)
    if options.check is not None:
        printer = Printer(options.packages, drawings)
        parts = [(options.out / name, splits[name][: options.check]) for name in SHIPPED]
        wrong = [file for folder, specs in parts for file in differing(printer, folder, specs)]
        raise SystemExit("\n".join(["these labels differ:", *wrong]) if wrong else 0)
    for name in SHIPPED:
        files = print_split(options.packages, drawings, "png", splits[name])
        write_folder(options.out / name, splits[name], files)
        print(f"{name}: {len(files)} labels, {sum(map(len, files)) / 1e6:.2f} MB")
    if options.pool is not None:
        files = print_split(options.packages, drawings, "webp", splits["vae"])
        write_pool(options.pool, splits["vae"], files)
        print(f"vae: {len(files)} labels, {sum(map(len, files)) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
