"""docs/verdict.md is a contract: its thresholds, columns and words are those of the code."""

import json
import re
from pathlib import Path

import pytest

from strikebox.lab.measured import CELL_COLUMNS
from strikebox.lab.report import leaks, limits, page
from strikebox.lab.statistics import smallest_p, upper_bound
from strikebox.lab.verdict import Verdict, export, lora_pitfalls, recipe_pitfalls
from strikebox.lab.verdict.grades import LADDERS, Ladder
from strikebox.lab.verdict.recommend import MOST_NOISE, SAME_STYLE, SOUND
from strikebox.metrics import leakage

DOCS = Path(__file__).parents[2] / "docs" / "verdict.md"
TEXT = DOCS.read_text("utf-8")


@pytest.mark.parametrize("ladder", LADDERS, ids=lambda ladder: ladder.column)
def test_each_column_has_its_number_and_where_its_words_begin(ladder: Ladder) -> None:
    starts = {word: start for word, start, _ in limits.rungs(ladder)}
    cells = [ladder.title, ladder.of, *(starts.get(word, "") for word in _heads())]
    assert re.sub(" +", " ", f"| {' | '.join(cells)} |") in TEXT


def _heads() -> list[str]:
    (head,) = re.findall(r"^\| column \| number \| (.*) \|$", TEXT, re.MULTILINE)
    return head.split(" | ")


def test_what_is_sound() -> None:
    assert SOUND == {
        "anatomy": ("Medium", "High"),
        "leakage": ("None", "Low"),
        "lettering": ("None", "Low"),
    }
    words = " ".join(TEXT.split())
    assert "anatomy is Medium or High, its leakage and lettering None or Low" in words
    assert f"at most {MOST_NOISE:.0%} of its pictures are texture" in words
    assert f"within {SAME_STYLE} of it in style" in TEXT


def test_each_pitfall_and_its_threshold(judged: Verdict) -> None:
    found = dict(re.findall(r"^\| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE))
    assert {finding.title for finding in judged.findings} <= set(found)
    assert f"{lora_pitfalls.BROKEN:.0%}" in found["Over-cooking"]
    assert f"{lora_pitfalls.LEAKS:.0%}" in found["Leakage at textbook settings"]
    assert f"at most {lora_pitfalls.TEXTBOOK:g}" in found["Leakage at textbook settings"]
    assert f"{lora_pitfalls.LOCKED}" in found["Collapse that depends on the seed"]
    assert f"{recipe_pitfalls.NO_STYLE}" in found["Theory against evidence"]


@pytest.mark.parametrize("name", [*CELL_COLUMNS, export.VERDICT, export.CELLS, export.RECOMMENDED])
def test_every_column_and_file_is_named(name: str) -> None:
    assert f"`{name}`" in TEXT


def test_every_section_of_the_report_is_named() -> None:
    for section in page.SECTIONS:
        assert f"**{section.title}**" in TEXT
    assert f"the {leaks.MOST_SHOWN} gravest" in TEXT


def test_figures_that_it_quotes() -> None:
    words = " ".join(TEXT.split())
    assert (
        f"where q is at most {leakage.LEVEL}: " in words
        and f"at most {leakage.LEVEL:.0%} are expected" in words
    )
    assert f"five give {smallest_p(5)} at best" in TEXT
    assert f"No leak among 15 pictures still allows {upper_bound(0, 15):.0%}" in TEXT
    assert upper_bound(0, 299) < 0.01 < upper_bound(0, 298) and "299 pictures" in TEXT


def test_what_is_missing_is_null_in_the_file(judged: Verdict) -> None:
    baseline = json.loads(export.as_json(judged))["table"][0]
    assert baseline["style_gain"] is None and baseline["grades"]["lettering"] is None
