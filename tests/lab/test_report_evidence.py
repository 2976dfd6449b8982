"""Evidence on the page: leaks, handoffs, marks in the grid, limits; and that text stays text."""

from dataclasses import replace
from html import unescape
from pathlib import Path

import measured_fixture as planted
from html_page import Page, part

from strikebox.lab.measured import Against, Leak, Scale
from strikebox.lab.report import page
from strikebox.lab.report.leaks import MOST_SHOWN
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict
from strikebox.lab.verdict.finding import Pitfall
from strikebox.lab.verdict.grades import LADDERS
from strikebox.lab.votes.ballots import Ballot, BallotBox
from strikebox.lab.words import UNKNOWN


def test_leaks_are_shown_beside_what_they_repeat(judged_html: str, judged: Verdict) -> None:
    leaks, text = judged.measured.leaks, part(judged_html, "leaks")
    pairs = Page(text)
    shown = min(MOST_SHOWN, len(leaks))
    assert f"{len(leaks)} pictures of 72" in " ".join(text.split())
    assert len(pairs.all("img")) == 3 * shown  # made, trained on, and both over each other
    assert "in cyan, grey where they agree" in text
    for leak, repeats in zip(leaks, pairs.of_class("repeats"), strict=False):
        assert repeats == f"repeats {leak.training}"
    assert f"{leaks[0].score:.2f}" in pairs.texts["dd"] and "0.008" in pairs.texts["dd"]


def test_a_leak_of_unknown_place_is_shown_without_an_overlay(
    swept: Run, judged: Verdict, training: dict[str, Path]
) -> None:
    leaks = tuple(replace(leak, placement=None, margin=None) for leak in judged.measured.leaks[:2])
    unplaced = replace(judged, measured=replace(judged.measured, leaks=leaks))
    pairs = Page(part(page.html(swept, None, unplaced, training), "leaks"))
    assert len(pairs.all("img")) == 4 and pairs.texts["dd"].count(UNKNOWN) == 2


def test_no_more_than_so_many_pairs_and_how_many_there_are(swept: Run, judged: Verdict) -> None:
    one = judged.measured.leaks[0]
    many = replace(judged, measured=replace(judged.measured, leaks=(one,) * (MOST_SHOWN + 5)))
    text = part(page.html(swept, None, many), "leaks")
    assert text.count("<figure>") == MOST_SHOWN
    assert f"The {MOST_SHOWN} gravest are shown" in text and f"{MOST_SHOWN + 5} pictures" in text


def test_training_pictures_that_are_not_there_are_named(swept: Run, judged: Verdict, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    name = judged.measured.leaks[0].training
    text = part(page.html(swept, None, judged, {name: broken}), "leaks")
    assert "cyan" not in text
    assert "cannot be read" in text and "not at hand" in text and f"repeats {name}" in text


def test_handoffs_say_what_can_cross_and_what_did(judged_html: str) -> None:
    text = " ".join(Page(part(judged_html, "handoffs")).of_class("null"))
    assert "At most 0.3 bits can cross, and naming one of 300 training pictures takes 8.2" in text
    assert "no more than another seed" in text and "p 0.41" in text
    assert "No pass 1" in text and "it does not decide the picture" in text
    assert "Another prompt's pass 1" in text and "it decides the picture" in text


def test_handoffs_that_were_not_tested_say_so(tiny: Run) -> None:
    verdict = planted.verdict(tiny)
    (one,) = verdict.measured.handoffs
    untested = replace(one, p_own=None, own_gain=None, controls={"elsewhere": Against(None, 0.5, 0.5)})
    measured = replace(verdict.measured, handoffs=(untested,), training=None)
    text = part(page.html(tiny, None, replace(verdict, measured=measured)), "handoffs")
    assert "was not tested" in text and "naming a training picture takes" in text
    assert "elsewhere" in text and f"<td>{UNKNOWN}</td>" in text and "cannot tell" in text


def test_the_grid_marks_leaks_and_noise_in_words_too(judged_html: str, judged: Verdict) -> None:
    leaked, noise = (int(judged.measured.cells[name].sum()) for name in ("leaked", "noise"))
    read = Page(part(judged_html, "pictures"))
    alts = [image["alt"] or "" for image in read.all("img") if "src" in image]
    assert sum("repeats training picture" in alt for alt in alts) == leaked
    assert sum("texture without a subject" in alt for alt in alts) == noise
    assert len(read.of_class("mark")) == leaked + noise + 2  # the legend's
    assert {"Style", "Subject", "Leakage", "Lettering"} <= set(read.texts["dt"])
    assert sum(text.startswith("repeats ") for text in read.texts["dd"]) == leaked


def test_limits_scales_and_ladders_are_all_there(judged_html: str, judged: Verdict) -> None:
    assert Page(part(judged_html, "limits")).texts["li"] == list(judged.limits)
    measures = unescape(part(judged_html, "measures"))
    for scale in judged.measured.scales.values():
        assert scale.words in measures
    for ladder in LADDERS:
        assert all(word in measures for word in ladder.words) and ladder.title in measures
    assert "from 0.40" in measures and "from 20%" in measures and "above 0%" in measures
    assert "300 pictures" in measures and "120 pictures" in measures


def test_what_people_write_stays_text(tiny: Run) -> None:
    nasty = '<b onload="x">&{{ 7*7 }}$x$</b>'
    verdict = planted.verdict(tiny)
    evil = verdict.table.rows[1]
    renamed = replace(evil, recipe=replace(evil.recipe, title=nasty, description=nasty, arm=nasty))
    (cell, *_) = tiny.table()["sha256"]
    leak = Leak(
        recipe="sandwich", subject=nasty, seed=1, picture=cell, training=nasty,
        score=0.9, margin=0.1, p=0.01, q=0.02,
    )  # fmt: skip
    measured = replace(
        verdict.measured, leaks=(leak,), missing={nasty: nasty}, notes=(nasty,),
        scales={nasty: Scale(floor=None, ceiling=None, words=nasty)},
    )  # fmt: skip
    recommendation = replace(verdict.recommendation, recipe="sandwich", because=(nasty,))
    html = page.html(
        tiny,
        None,
        Verdict(
            measured=measured,
            table=replace(verdict.table, rows=(verdict.table.rows[0], renamed)),
            findings=(Pitfall(nasty, nasty).found(nasty, "sandwich", "unknown-recipe"),),
            recommendation=recommendation,
            limits=(nasty,),
        ),
    )
    read = Page(html)
    assert not [attributes for _, attributes in read.elements if "onload" in attributes]
    assert read.of_class("ship-name") == [f"{nasty} {nasty}"]
    assert nasty in read.texts["li"] and f"repeats {nasty}" in read.of_class("repeats")


def ballot(number: int, left: str, right: str, rater: str = "A", **changes: object) -> Ballot:
    plain = Ballot(
        id=f"b{number}", rater=rater, question="Which?", subject="cat", seed=1, left=left, right=right,
        choice="left", repeat_of=None, seconds=1.0, at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    return replace(plain, **changes)


def test_votes_are_counted_with_or_without_a_verdict(tmp_path: Path) -> None:
    run = planted.toy_run(tmp_path / "run", planted.tiny_design())
    assert 'id="votes"' not in page.html(run)
    box = BallotBox(run.folder.path)
    for number in range(6):
        box.cast(ballot(number, "baseline", "sandwich"))
    box.cast(ballot(6, "baseline", "sandwich", rater="B", choice="tie"))
    box.cast(ballot(7, "sandwich", "baseline", choice="right", repeat_of="b0"))
    html = page.html(run)
    text = " ".join(Page(part(html, "votes")).of_class("hint"))
    assert "7 votes by 2 people, 1 tie" in text and "Of 1 pair that came back 1 got the same answer" in text
    first, second = Page(part(html, "votes")).texts["th"][-2:]
    assert ".votes" in html and first.strip() == "Baseline" and second.strip() == "Sandwich"
    assert "6.5" in Page(part(html, "votes")).texts["td"]


def test_votes_that_cannot_be_read_do_not_stop_the_report(tmp_path: Path) -> None:
    run = planted.toy_run(tmp_path / "run", planted.tiny_design())
    (run.folder.path / "votes.jsonl").write_text('{"vote": \n{"undo": "b"}\n')
    assert "cannot be counted" in part(page.html(run), "votes")
