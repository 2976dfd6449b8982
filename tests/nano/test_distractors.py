"""The committed drawings are what their card says."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import distractors
import numpy as np
import pytest
from captions import BACKGROUNDS
from PIL import Image
from sets import BY_NAME

FOLDER = Path(__file__).parents[2] / "src" / "strikebox" / "embedded" / "distractors"


def lines() -> list[dict[str, Any]]:
    return [json.loads(line) for line in (FOLDER / "metadata.jsonl").read_text("utf-8").splitlines()]


def record(name: str, animal: str | None = None, held_out: bool = False, file: str = "") -> dict[str, Any]:
    return {"set": "noto", "name": name, "animal": animal, "held_out": held_out, "file": file or name}


@pytest.mark.parametrize("name", distractors.SETS)
def test_each_set_has_24_drawings_and_up_to_twelve_animals(name: str) -> None:
    own = [line for line in lines() if line["set"] == name]
    assert [line["file_name"] for line in own] == [f"{name}/{n:02}.png" for n in range(24)]
    assert len({line["name"] for line in own}) == 24
    assert sum(line["animal"] is not None for line in own) == 12
    assert {file.name for file in (FOLDER / name).iterdir()} == {f"{n:02}.png" for n in range(24)}


def test_each_is_a_small_palette_picture_on_its_ground() -> None:
    colours = {background.en: background.rgb for background in BACKGROUNDS}
    for line in lines():
        picture = Image.open(FOLDER / line["file_name"])
        assert (picture.mode, picture.size) == ("P", (128, 128))
        assert len(picture.getcolors() or []) <= 64
        corner = np.asarray(picture.convert("RGB"))[0, 0].astype(int)
        assert np.abs(corner - colours[line["ground"]]).max() <= 3


def test_all_drawings_together_stay_small() -> None:
    assert sum(file.stat().st_size for file in FOLDER.rglob("*.png")) <= 500_000


def test_nothing_in_them_is_known_to_carry_letters() -> None:
    things = {line["name"] for line in lines() if line["animal"] is None}
    assert things <= distractors.THINGS
    assert not distractors.LETTER_LIKE & {(line["set"], line["name"]) for line in lines()}


def test_the_card_counts_and_names_each_set_with_its_licence() -> None:
    card = (FOLDER / "README.md").read_text("utf-8")
    for name in distractors.SETS:
        own = [line for line in lines() if line["set"] == name]
        held_out = sum(line["held_out"] for line in own)
        assert f"| `{name}` | 24 | 12 | {held_out} |" in card
        assert f"| `{name}` | {BY_NAME[name].author} |" in card
        assert BY_NAME[name].licence in card
        assert BY_NAME[name].url in card


def test_animals_come_first_and_held_out_drawings_before_others() -> None:
    records = [
        record("pear", held_out=True),
        record("cat", "cat", file="b"),
        record("cat face", "cat", held_out=True, file="a"),
        record("slot machine"),
        record("pizza"),
    ]
    assert distractors.chosen(records, "noto") == [2, 0, 4]


def test_few_colours_where_few_will_do() -> None:
    flat = np.zeros((128, 128, 3), np.uint8)
    flat[:64] = (200, 30, 30)
    rough = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    counts = [
        len(Image.open(io.BytesIO(distractors.png(Image.fromarray(picture)))).getcolors() or [])
        for picture in (flat, rough)
    ]
    assert counts == [2, 64]
