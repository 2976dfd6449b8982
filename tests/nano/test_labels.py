"""The committed labels are what their card says, and the press that prints them is deterministic."""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import palettes
import press
import pytest
import slogans
from label import Specification, draw
from labels import SUBJECTS, Source, plan
from layouts import LAYOUTS
from PIL import Image, ImageDraw
from sets import SETS, Glyph
from subjects import posterise

LABELS = Path(__file__).parents[2] / "src" / "strikebox" / "embedded" / "labels"
COUNTS = {"train": 300, "held-out": 120}


def records(split: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (LABELS / split / "metadata.jsonl").read_text().splitlines()]


def thumbnails(split: str) -> np.ndarray:
    """(n, 32 * 32 * 3), 0 to 255."""
    files = sorted((LABELS / split).glob("*.png"))
    small = [Image.open(f).convert("RGB").resize((32, 32), Image.Resampling.BOX) for f in files]
    return np.stack([np.asarray(picture, dtype=np.float64).ravel() for picture in small])


@pytest.mark.parametrize("split", COUNTS)
def test_each_label_is_a_small_palette_picture_with_its_line_of_metadata(split: str) -> None:
    lines = records(split)
    assert [line["file_name"] for line in lines] == [f"{n:03}.png" for n in range(COUNTS[split])]
    for line in lines:
        picture = Image.open(LABELS / split / line["file_name"])
        assert (picture.mode, picture.size) == ("P", (128, 128))
        assert line["text"] == f"{line['subject']}, matchbox style"


@pytest.mark.parametrize("split", COUNTS)
def test_subjects_come_equally_often(split: str) -> None:
    counts = Counter(line["subject"] for line in records(split))
    assert set(counts) == set(SUBJECTS)
    assert max(counts.values()) - min(counts.values()) <= 1


def test_all_labels_together_stay_small() -> None:
    assert sum(file.stat().st_size for file in LABELS.rglob("*.png")) <= 3_000_000


def test_no_drawing_stands_twice_before_one_layout() -> None:
    pairs = [(line["drawing"], line["layout"]) for split in COUNTS for line in records(split)]
    assert len(set(pairs)) == len(pairs)


def test_no_held_out_label_is_nearly_a_training_label() -> None:
    train, held_out = thumbnails("train"), thumbnails("held-out")
    squares = (held_out**2).sum(1)[:, None] + (train**2).sum(1) - 2 * held_out @ train.T
    assert np.sqrt(squares.min() / train.shape[1]) > 35


def test_slogans_of_the_three_lists_are_disjoint_and_the_committed_ones_come_from_their_own() -> None:
    train, held_out, pool = (
        {slogans.plain(slogan) for slogan in words}
        for words in (slogans.TRAINING, slogans.HELD_OUT, slogans.POOL)
    )
    assert not (train & held_out or train & pool or held_out & pool)
    assert (len(train), len(held_out) >= 40, len(pool) >= 300) == (60, True, True)
    assert {line["slogan"] for line in records("train")} == train
    assert {line["slogan"] for line in records("held-out")} == held_out


def test_the_card_names_licence_and_source_of_every_set_that_is_used() -> None:
    card = (LABELS / "README.md").read_text()
    used = {line["drawing"].split("/")[0] for split in COUNTS for line in records(split)}
    for drawing_set in SETS:
        if drawing_set.name in used:
            assert f"`{drawing_set.name}`" in card
            assert drawing_set.licence in card


def test_lettering_stands_out_in_every_palette() -> None:
    assert all(palettes.contrast(p.paper, p.key) >= 4.5 for p in palettes.PALETTES)


def test_contrast_of_black_and_white_is_21() -> None:
    assert palettes.contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)


class Blocks:
    """Lettering without a typeface: one block a line."""

    def cap(self, lines: tuple[str, ...], width: float, height: float) -> float:
        return min(12.0, height / len(lines))

    def mask(self, lines: tuple[str, ...], box: press.Box, cap: float) -> press.Mask:
        return press.rectangle((box[0] + 8, box[1] + 3, box[2] - 8, box[3] - 3))


def circle() -> Image.Image:
    picture = Image.new("RGBA", (256, 256))
    draw_on = ImageDraw.Draw(picture)
    draw_on.ellipse((20, 20, 236, 236), fill="#d04030")
    draw_on.ellipse((90, 90, 120, 120), fill="#101010")
    return picture


def specification(layout: str = "sunburst", seed: str = "a") -> Specification:
    return Specification(
        subject="sun", drawing="none/circle", layout=layout, palette="brick", frame="double", face="blocks",
        slogan="МИР|МИРУ", seed=seed,
    )  # fmt: skip


def mixtures(inks: Sequence[press.Rgb]) -> set[tuple[int, ...]]:
    """All colours that up to eight rounded quarters of the inks can give."""
    shares = [np.array(p) for p in itertools.product(range(5), repeat=len(inks)) if 0 < sum(p) <= 8]
    return {tuple(np.round(p / p.sum() @ np.array(inks, dtype=float)).astype(int).tolist()) for p in shares}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_label_follows_from_its_specification_and_holds_its_inks_and_their_quarters(layout: str) -> None:
    poster = posterise(circle())
    labels = [draw(specification(layout), poster, {"blocks": Blocks()}) for _ in range(2)]
    assert labels[0].tobytes() == labels[1].tobytes()
    colours = {colour for _, colour in labels[0].getcolors(128 * 128) or []}
    inks = np.array(palettes.BY_NAME["brick"].inks)
    assert {tuple(ink) for ink in inks.tolist()} & colours
    assert all(
        (np.array(c) >= inks.min(0) - 1).all() and (np.array(c) <= inks.max(0) + 1).all() for c in colours
    )


def test_another_seed_gives_another_label() -> None:
    poster = posterise(circle())
    first, second = (draw(specification(seed=s), poster, {"blocks": Blocks()}) for s in "ab")
    assert first.tobytes() != second.tobytes()


def test_the_loose_plate_slips_and_the_others_do_not() -> None:
    sheet = press.Sheet([(255, 255, 255), (0, 0, 0), (255, 0, 0)], loose=2, slip=(1, 0))
    sheet.print(1, press.rectangle((10, 10, 20, 20)))
    sheet.print(2, press.rectangle((40, 10, 50, 20)))
    pixels = np.asarray(sheet.develop())
    assert pixels[15, 10].tolist() == [0, 0, 0]
    assert pixels[15, 40].tolist() == [255, 255, 255]
    assert pixels[15, 50].tolist() == [255, 0, 0]


@pytest.mark.parametrize("tone", [0.2, 0.5, 0.8])
def test_halftone_prints_about_as_much_ink_as_its_tone(tone: float) -> None:
    dots = press.halftone(np.full((press.FULL, press.FULL), tone), pitch=6, angle=np.pi / 4)
    assert dots.mean() == pytest.approx(tone, abs=0.1)


def test_body_is_the_colour_that_covers_most() -> None:
    poster = posterise(circle())
    tones, counts = np.unique(poster.tones, return_counts=True)
    assert set(tones.tolist()) >= {0, 1, 3}
    assert tones[np.argmax(counts)] == 3


def test_the_plan_is_the_same_each_time_and_its_splits_share_no_drawing_before_one_layout() -> None:
    glyph = Glyph(set="noto", file="x", code=None, svg="", bitmap=None)
    found = {s: [Source(f"noto/{s}-{k}", glyph) for k in range(9)] for s in SUBJECTS}
    first, second = plan(found), plan(found)
    assert first == second
    pairs = [(s.drawing, s.layout) for split in COUNTS for s in first[split]]
    assert len(set(pairs)) == len(pairs)
