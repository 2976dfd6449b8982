"""What was measured of each picture, ready to be looked up by the grid."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from strikebox.lab.measured import CELL_COLUMNS, Measured
from strikebox.lab.report.facts import CellName
from strikebox.lab.words import number_words, p_words, share_words


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """A row of `Measured.cells`; None where it was not measured."""

    style: float | None
    named: bool | None
    margin: float | None
    noise: bool | None
    whole: bool | None
    leak_score: float | None
    leak_p: float | None
    leak_q: float | None
    leaked: bool | None
    nearest: str | None
    lettering: bool | None
    text_area: float | None
    text_overlap: float | None


@dataclass(frozen=True, slots=True)
class Mark:
    """What the grid draws on a picture, and says of it."""

    kind: Literal["leaked", "noise"]
    words: str


def by_cell(measured: Measured) -> Mapping[CellName, Figures]:
    """Figures of all pictures."""
    return {
        (row["recipe"], row["subject"], row["seed"]): Figures(**{name: row[name] for name in CELL_COLUMNS})
        for row in measured.cells.iter_rows(named=True)
    }


def marks(figures: Figures) -> Iterator[Mark]:
    """What somebody should see who looks at the picture."""
    if figures.leaked:
        yield Mark("leaked", f"repeats training picture {figures.nearest or 'unknown'}")
    if figures.noise:
        yield Mark("noise", "texture without a subject")


def details(figures: Figures) -> Iterator[tuple[str, str]]:
    """Terms and figures, without those that were not measured."""
    if figures.style is not None:
        yield "Style", f"{number_words(figures.style)} (base model 0, held-out 1)"
    if figures.named is not None:
        yield "Subject", _subject(figures)
    if figures.leak_p is not None:
        yield "Leakage", _leakage(figures)
    if figures.lettering is not None:
        yield "Lettering", _lettering(figures)


def _subject(figures: Figures) -> str:
    seen = "named first" if figures.named else "not named first"
    margin = "" if figures.margin is None else f", margin {number_words(figures.margin, sign=True)}"
    return f"{seen}{margin}{'; texture without a subject' if figures.noise else ''}"


def _leakage(figures: Figures) -> str:
    verdict = "repeats" if figures.leaked else "no more like"
    q = "" if figures.leak_q is None else f", q {p_words(figures.leak_q)}"
    than = "" if figures.leaked else " than chance has it"
    return f"{verdict} {figures.nearest or 'a training picture'}{than}: p {p_words(figures.leak_p)}{q}"


def _lettering(figures: Figures) -> str:
    if not figures.lettering:
        return "none found"
    area = "" if figures.text_area is None else f", {share_words(figures.text_area)} of the picture"
    overlap = (
        ""
        if figures.text_overlap is None
        else f", {share_words(figures.text_overlap)} like the training set's"
    )
    return f"found{area}{overlap}"
