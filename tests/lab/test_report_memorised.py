"""The heat map: every training picture, the best known first, what is memorised told in words too."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from html_page import Page
from PIL import Image

from strikebox.lab.memorised import Known, Memorised, Unseen
from strikebox.lab.report import memorised as section
from strikebox.lab.report.known_plot import known_plot
from strikebox.lab.report.memorised import heat_map
from strikebox.lab.report.templates import asset
from strikebox.metrics.memorisation import judge

GAPS = {"a.png": 0.2, "b.png": 1.5, "c.png": -0.1, "d.png": 1.2, "e.png": 0.3}
HELD_OUT = np.linspace(0, 0.6, 99)


@pytest.fixture
def paths(tmp_path: Path) -> dict[str, Path]:
    for shade, name in enumerate(GAPS):
        Image.new("RGB", (100, 80), (40 * shade, 90, 120)).save(tmp_path / name)
    return {name: tmp_path / name for name in GAPS}


def seen(held_out: np.ndarray = HELD_OUT) -> Memorised:
    """b and d are known by heart."""
    found = judge(list(GAPS.values()), held_out)
    tested = found.tested
    return Memorised(
        pictures=tuple(
            Known(
                name=name, sha256=name, caption=f"caption of {name}", gap=gap,
                p=None if tested is None else float(tested.p[i]),
                q=None if tested is None else float(tested.q[i]),
                flagged=None if tested is None else bool(tested.memorised[i]),
            )
            for i, (name, gap) in enumerate(GAPS.items())
        ),
        held_out=tuple(Unseen(name=f"{i}", sha256=f"{i}", gap=float(gap)) for i, gap in enumerate(held_out)),
        membership=found.membership, control=None, level=0.05, sigmas=(0.4, 0.8), scale=1.0, model="m",
        lora="l", reason=found.reason, notes=("A reservation.",),
    )  # fmt: skip


def test_every_training_picture_is_there_the_best_known_first(paths: dict[str, Path]) -> None:
    html = str(heat_map(seen(), paths))
    page = Page(html)
    images = page.all("img")
    assert len(images) == 5 and all(
        (one["src"] or "").startswith("data:image/webp;base64,") for one in images
    )
    names = re.findall(r'<span class="known-tip"><strong>(.*?)</strong>', html)
    assert names == ["b.png", "d.png", "e.png", "a.png", "c.png"]
    assert [one["style"] for one in page.all("li") if "style" in one][::4] == ["--heat: 100%", "--heat: 0%"]
    assert re.findall(r'<b aria-hidden="true">(.*?)</b>', html)[-1] == "\N{MINUS SIGN}0.10"


def test_what_is_memorised_is_told_in_words_and_by_a_mark(paths: dict[str, Path]) -> None:
    page = Page(str(heat_map(seen(), paths)))
    assert page.texts["h3"] == ["Memorised: 2", "Not told from style: 3"]
    tips = page.of_class("known-tip")
    assert ["memorised" in tip for tip in tips] == [True, True, False, False, False]
    assert "p 0.010, q 0.025" in tips[0] and "caption of b.png" in tips[0] and "loss 78% lower" in tips[0]
    assert "loss 11% higher" in tips[-1]
    assert len(page.of_class("known-mark")) == 2 + 1  # the legend's
    assert [one["tabindex"] for one in page.all("li") if "style" in one] == ["0"] * 5


def test_numbers_come_in_words_above(paths: dict[str, Path]) -> None:
    found = seen()
    text = " ".join(Page(str(heat_map(found, paths))).of_class("known-top"))
    assert "2 of 5 training pictures are restored" in text and "A reservation." in text
    assert found.membership is not None
    assert (
        f"{found.membership.auroc:.2f}" in text and f"{100 * found.membership.auroc:.0f} times in 100" in text
    )


def test_one_or_none_memorised_reads_well(paths: dict[str, Path]) -> None:
    found = seen()
    none = replace(found, pictures=tuple(replace(one, flagged=False) for one in found.pictures))
    html = str(heat_map(none, paths))
    assert "no memory was found" in html and "known-mark" not in html and 'class="found"' not in html
    one = replace(found, pictures=tuple(replace(p, flagged=p.name == "b.png") for p in found.pictures))
    assert "1 of 5 training pictures is restored" in " ".join(str(heat_map(one, paths)).split())


def test_without_held_out_pictures_gaps_are_shown_and_why_no_more(paths: dict[str, Path]) -> None:
    found = seen(np.zeros(0))
    html = str(heat_map(found, paths))
    page = Page(html)
    assert len(page.all("img")) == 5 and page.texts["h3"] == ["5 training pictures, best known first"]
    assert "no picture is called memorised" in html and "at least 19" in html
    assert "AUROC" not in html and "Benjamini" not in html and "held-out ones" not in html
    assert not any(" p " in tip for tip in page.of_class("known-tip"))


def test_pictures_that_are_not_there_are_named(paths: dict[str, Path]) -> None:
    paths["b.png"].write_bytes(b"no picture")
    del paths["a.png"]
    page = Page(str(heat_map(seen(), paths)))
    assert page.of_class("known-missing") == ["cannot be read", "not at hand"]
    assert len(page.of_class("known-tip")) == 5


def test_of_very_many_pictures_the_best_known_are_shown(
    paths: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(section, "MOST_SHOWN", 3)
    html = str(heat_map(seen(), paths))
    assert len(Page(html).all("img")) == 3 and "2 more that the LoRA knows less well are not shown" in html


def test_what_people_write_stays_text() -> None:
    nasty = '<b onload="x">{{ 7*7 }}</b>'
    found = seen()
    first = replace(found.pictures[0], name=nasty, caption=nasty)
    html = str(heat_map(replace(found, pictures=(first, *found.pictures[1:]), notes=(nasty,)), {}))
    assert "<b onload" not in html and html.count("&lt;b onload") == 3 and "7*7" in html


def test_the_plot_is_in_the_pages_own_colours() -> None:
    for found in (seen(), seen(np.zeros(0))):
        drawn = str(known_plot(found))
        assert "var(--red)" in drawn and not re.search(r"#[0-9a-f]{6}\b", drawn.replace('href="#', ""))
        assert "font-family" not in drawn and ">5 training pictures</text>" in drawn
        assert (
            'aria-label="Gaps by picture. Training pictures from \N{MINUS SIGN}0.10 to 1.50, median 0.30'
            in drawn
        )


def test_a_plot_of_one_picture_or_of_thousands_is_drawn() -> None:
    found = seen()
    one = replace(found, pictures=found.pictures[:1], held_out=(), reason="too few")
    assert "1 training picture<" in str(known_plot(one))
    many = replace(found, pictures=found.pictures * 1000)
    assert len(str(known_plot(many))) < 150_000
    assert "--heat: 50%" in str(heat_map(one, {}))


def test_the_styles_are_there(paths: dict[str, Path]) -> None:
    css, html = asset("memorised.css"), str(heat_map(seen(), paths))
    used = {name for names in re.findall(r'class="(known[^"]*)"', html) for name in names.split()}
    assert used and all(f".{name}" in css for name in used)
    assert css.count("{") == css.count("}") and "@media print" in css
