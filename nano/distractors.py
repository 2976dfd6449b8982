"""Drawings that are not labels: eight sets of 24, without a letter, for measurements to tell from the style.

    python nano/distractors.py [--data build/nano] [--out src/strikebox/embedded/distractors] [--check]

Needs the drawings (nano/drawings.py). In each set up to twelve animals come first, then plants, food and
things; those that no model was trained on are taken before others. Grounds are those of the small world.
"""

from __future__ import annotations

import argparse
import io
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from captions import BACKGROUNDS
from drawings import share
from PIL import Image
from world import Drawings, background_colours, compose, load_drawings, random_backgrounds

SEED = 1961
EACH, ANIMALS = 24, 12
COLOURS = (16, 24, 32, 48, 64)
ERROR = 2.5  # of 255
SETS = (
    "fluent-emoji-flat", "fluent-emoji-3d", "noto", "fxemoji", "twemoji", "emojione", "streamline-emojis",
    "game-icons",
)  # fmt: skip

THINGS = {
    "airplane", "alarm clock", "ant", "apple", "baby bottle", "baby chick", "balance scale",
    "banana bunch", "banjo", "berries bowl", "bird house", "birthday cake", "boar", "boomerang",
    "broccoli", "circus tent", "clamp", "cockroach", "coffee cup", "commercial airplane",
    "crescent moon", "curling stone", "custard", "dagger", "dodo", "falafel", "ferry",
    "fork and knife", "french fries", "gear", "glasses", "hair pick", "honey pot", "hot beverage",
    "house", "jar", "jeans", "key", "kimono", "leaf fluttering in wind", "mammoth", "maple leaf",
    "microphone", "mushroom", "open book", "palm tree", "pear", "pickup truck", "pine tree",
    "pizza", "popcorn", "porcupine", "pot of food", "potted plant", "pumpkin", "raccoon", "rainbow",
    "rice cracker", "rooster", "round pushpin", "running shoe", "sailboat", "sauropod", "saxophone",
    "scuba mask", "seat", "seedling", "shaved ice", "skateboard", "sweat droplets", "teddy bear",
    "tent", "toilet", "top hat", "tornado", "tractor", "tropical drink", "trousers", "tulip",
    "umbrella on ground", "unicorn", "womans boot",
}  # fmt: skip
"""Plants, food and things that carry no lettering in any set."""

LETTER_LIKE = {("game-icons", "snake")}
"""(set, name) of drawings that read as a letter: this one is an S."""


def chosen(records: Sequence[dict[str, Any]], set_name: str) -> list[int]:
    """Indices of the drawings of one set, each name once, in the order of the files."""
    animals, things = (_in_turn(records, set_name, field) for field in ("animal", "name"))
    first = animals[:ANIMALS]
    return first + things[: EACH - len(first)]


def _in_turn(records: Sequence[dict[str, Any]], set_name: str, field: str) -> list[int]:
    """Indices in a fixed shuffled order, held out before others; animals by "animal", things by "name"."""
    found: dict[str, int] = {}
    wanted = [i for i, r in enumerate(records) if r["set"] == set_name and _wanted(r, field)]
    for i in sorted(
        wanted, key=lambda i: (not records[i]["held_out"], share(f"{SEED}/{records[i]['file']}"))
    ):
        found.setdefault(records[i][field], i)
    return list(found.values())


def _wanted(record: dict[str, Any], field: str) -> bool:
    if (record["set"], record["name"]) in LETTER_LIKE:
        return False
    return record["animal"] is not None if field == "animal" else record["name"] in THINGS


def pictures(drawings: Drawings) -> Iterator[tuple[dict[str, Any], bytes]]:
    """A line of metadata and a PNG for each drawing, set by set."""
    for set_name in SETS:
        generator = torch.Generator().manual_seed(random.Random(f"{SEED}/{set_name}").getrandbits(32))
        index = torch.tensor(chosen(drawings.records, set_name))
        part = Drawings([drawings.records[i] for i in index.tolist()], drawings.rgba[index])
        grounds = random_backgrounds(len(part), generator)
        made = compose(part.rgba, part.ink_only, background_colours(torch.device("cpu"))[grounds])
        pixels = ((made.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        for number, (record, picture) in enumerate(zip(part.records, pixels, strict=True)):
            ground = BACKGROUNDS[int(grounds[number])].en
            yield _line(record, f"{set_name}/{number:02}.png", ground), png(Image.fromarray(picture))


def png(picture: Image.Image) -> bytes:
    """A palette PNG without dither, of the fewest of `COLOURS` that keep the root mean square error at `ERROR`."""
    wanted = np.asarray(picture, dtype=np.float64)
    for colours in COLOURS:
        few = picture.quantize(colours, Image.Quantize.MEDIANCUT, kmeans=1, dither=Image.Dither.NONE)
        if np.sqrt(np.mean((np.asarray(few.convert("RGB")) - wanted) ** 2)) <= ERROR:
            break
    file = io.BytesIO()
    few.save(file, "PNG", optimize=True)
    return file.getvalue()


def _line(record: dict[str, Any], file: str, ground: str) -> dict[str, Any]:
    kept = {key: record[key] for key in ("set", "name", "animal", "held_out")}
    return {"file_name": file, **kept, "ground": ground, "drawing": f"{record['set']}/{record['file']}"}


def write(out: Path, made: Sequence[tuple[dict[str, Any], bytes]]) -> None:
    """One folder a set, and `metadata.jsonl` above them."""
    for line, file in made:
        path = out / line["file_name"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file)
    lines = [json.dumps(line, ensure_ascii=False) for line, _ in made]
    (out / "metadata.jsonl").write_text("\n".join(lines) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("build/nano"))
    parser.add_argument("--out", type=Path, default=Path("src/strikebox/embedded/distractors"))
    parser.add_argument("--check", action="store_true", help="only compare with the files that are there")
    options = parser.parse_args()
    made = list(pictures(load_drawings(options.data)))
    if options.check:
        wrong = [
            line["file_name"] for line, file in made if (options.out / line["file_name"]).read_bytes() != file
        ]
        raise SystemExit("\n".join(["these drawings differ:", *wrong]) if wrong else 0)
    write(options.out, made)
    print(f"{len(made)} drawings, {sum(len(file) for _, file in made) / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
