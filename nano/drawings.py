"""Renders every drawing of every set once: 128 px, RGBA, the subject filling the square.

    python nano/drawings.py [--packages nano/node_modules] [--out build/nano]

Writes `drawings.bin` (WebP files end to end) and `drawings.json` (one record a drawing: set, name, en, ru,
animal, held_out, offset, length, file). `open_drawings` reads both back.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

import animals
import numpy as np
from naming import Names, Naming
from PIL import Image
from sets import BY_NAME, PACKAGES, SETS, Glyph, read

SIDE = 128
SUBJECT = 112
"""Longer side of the subject inside the square, in pixels."""
HELD_OUT = 0.05
HELD_OUT_ANIMAL = 2
"""So many drawings of each animal, at least, are held out."""
_EMPTY = 0.02
"""A drawing that covers less of its square shows nothing at this size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """One rendered drawing; `offset` and `length` say where its WebP file lies in `drawings.bin`."""

    set: str
    name: str
    """Same as `en`: the one canonical name of the subject."""
    en: str
    ru: str | None
    animal: str | None
    held_out: bool
    offset: int
    length: int
    file: str
    """The package's own name of the drawing."""


def render(glyph: Glyph) -> Image.Image | None:
    """A drawing as 128 px RGBA, its longer side scaled to 112 px and centred, or None if it is all but empty."""
    raw = raster(glyph, 256)
    box = raw.getchannel("A").point([255 * (a > 8) for a in range(256)]).getbbox()
    if box is None:
        return None
    picture = _fit(raw.crop(box)) if glyph.svg is None else _raster_box(glyph.svg, box)
    coverage = np.asarray(picture.getchannel("A")).mean() / 255
    return picture if coverage >= _EMPTY else None


def raster(glyph: Glyph, side: int) -> Image.Image:
    """A drawing in its package's own framing, RGBA; a bitmap keeps its own size, whatever `side` says."""
    if glyph.bitmap is not None:
        return Image.open(glyph.bitmap).convert("RGBA")
    return _svg(glyph.svg or "", side)


def _svg(document: str, side: int) -> Image.Image:
    import resvg_py  # here, so that all but rendering works without it

    png = bytes(resvg_py.svg_to_bytes(svg_string=document, width=side, height=side, skip_system_fonts=True))
    picture = Image.open(io.BytesIO(png)).convert("RGBA")
    square = Image.new("RGBA", (side, side))
    square.paste(picture, ((side - picture.width) // 2, (side - picture.height) // 2))
    return square


def _raster_box(document: str, box: tuple[int, int, int, int]) -> Image.Image:
    """Renders again so that `box`, in pixels of a 256 px rendering, fills the square: sharper than resizing."""
    left, top, right, bottom = box
    side = max(right - left, bottom - top) * SIDE / SUBJECT
    x, y = (left + right - side) / 2, (top + bottom - side) / 2
    inner = document.replace("<svg ", '<svg x="0" y="0" width="256" height="256" ', 1)
    outer = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{x} {y} {side} {side}">{inner}</svg>'
    return _svg(outer, SIDE)


def _fit(subject: Image.Image) -> Image.Image:
    scale = SUBJECT / max(subject.size)
    size = (max(1, round(subject.width * scale)), max(1, round(subject.height * scale)))
    square = Image.new("RGBA", (SIDE, SIDE))
    small = subject.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    square.paste(small, ((SIDE - size[0]) // 2, (SIDE - size[1]) // 2))
    return square


def encode(picture: Image.Image) -> bytes:
    """A WebP file with lossless alpha."""
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=88, alpha_quality=100, method=4)
    return file.getvalue()


def _encoded(glyph: Glyph) -> bytes | None:
    picture = render(glyph)
    return None if picture is None else encode(picture)


def share(text: str) -> float:
    """A number in [0, 1) that depends on the text alone."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64


def held_out(pairs: Iterable[tuple[str, str, str | None]]) -> set[tuple[str, str]]:
    """The (set, name) pairs that no model may train on: 5% by hash, topped up to two drawings an animal.

    `pairs` holds one (set, name, animal) a drawing. The drawings added for an animal come from coloured sets.
    """
    counts = Counter(pairs)
    chosen = {(s, name) for s, name, _ in counts if share(f"{s}/{name}") < HELD_OUT}
    by_animal: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for s, name, animal in sorted(counts, key=lambda pair: share(f"{pair[0]}/{pair[1]}")):
        if animal is not None and (BY_NAME[s].coloured or (s, name) in chosen):
            by_animal[animal].append((s, name))
    for animal, candidates in by_animal.items():
        missing = HELD_OUT_ANIMAL
        for s, name in candidates:
            if missing <= 0 and (s, name) not in chosen:
                break
            chosen.add((s, name))
            missing -= counts[s, name, animal]
    return chosen


def write(named: Sequence[tuple[Glyph, Naming]], out: Path) -> list[Drawing]:
    """Renders on two processes and writes `drawings.bin` and `drawings.json` into `out`."""
    with ProcessPoolExecutor(2) as pool:
        files = list(pool.map(_encoded, (glyph for glyph, _ in named), chunksize=64))
    kept = [(glyph, naming, file) for (glyph, naming), file in zip(named, files, strict=True) if file]
    out_of_training = held_out((glyph.set, naming.en, naming.animal) for glyph, naming, _ in kept)
    drawings, offset = [], 0
    for glyph, naming, file in kept:
        drawings.append(_drawing(glyph, naming, offset, len(file), (glyph.set, naming.en) in out_of_training))
        offset += len(file)
    (out / "drawings.bin").write_bytes(b"".join(file for *_, file in kept))
    (out / "drawings.json").write_text(json.dumps([asdict(d) for d in drawings], ensure_ascii=False))
    return drawings


def _drawing(glyph: Glyph, naming: Naming, offset: int, length: int, held: bool) -> Drawing:
    return Drawing(
        set=glyph.set, name=naming.en, en=naming.en, ru=naming.ru, animal=naming.animal,
        held_out=held, offset=offset, length=length, file=glyph.file,
    )  # fmt: skip


def named_glyphs(packages: Path) -> Iterator[tuple[Glyph, Naming]]:
    """Every drawing that is wanted, with its name, set by set."""
    names = Names(packages)
    for drawing_set in SETS:
        for glyph in read(drawing_set, packages):
            naming = names.name(glyph)
            if naming is not None:
                yield glyph, naming


def open_drawings(folder: Path) -> Iterator[tuple[Drawing, Image.Image]]:
    """Every drawing of `folder` with its picture (128 px, RGBA), in the order of `drawings.json`."""
    blob = (folder / "drawings.bin").read_bytes()
    for record in json.loads((folder / "drawings.json").read_text()):
        drawing = Drawing(**record)
        file = io.BytesIO(blob[drawing.offset : drawing.offset + drawing.length])
        yield drawing, Image.open(file).convert("RGBA")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--packages", type=Path, default=PACKAGES)
    parser.add_argument("--out", type=Path, default=Path("build/nano"))
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    drawings = write(list(named_glyphs(options.packages)), options.out)
    print(animals.table((d.set, d.animal) for d in drawings))
    print(Counter(d.set for d in drawings), f"{len(drawings)} drawings,",
          f"{sum(d.held_out for d in drawings)} held out, {drawings[-1].offset / 1e6:.1f} MB")  # fmt: skip


if __name__ == "__main__":
    main()
