"""Evidence of leaks: each flagged picture beside the training picture that it repeats, and over it."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from strikebox.errors import DatasetError
from strikebox.generation.backend import Pixels
from strikebox.lab import picture_file
from strikebox.lab.measured import Leak
from strikebox.lab.report.facts import Facts
from strikebox.lab.report.pictures import pixels_url
from strikebox.lab.report.templates import fill
from strikebox.lab.words import count_words, number_words, p_words
from strikebox.metrics.overlay import overlay

MOST_SHOWN = 24
_SIDE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One picture of the evidence; without `url` it cannot be shown, and `why` says so."""

    alt: str
    url: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A leak as the page shows it."""

    title: str
    subject: str
    anchor: str | None  # of the picture in the grid
    training: str
    sides: tuple[Side, ...]  # what was made, what it repeats, and where it is known how they lie, both
    numbers: tuple[tuple[str, str], ...]


def section(facts: Facts) -> Markup | None:
    """Pairs, gravest first; left out where no picture is flagged."""
    if facts.verdict is None or not facts.verdict.measured.leaks:
        return None
    leaks = facts.verdict.measured.leaks
    pairs = list(_pairs(facts, leaks[:MOST_SHOWN]))
    measured = facts.verdict.measured.cells["leaked"].drop_nulls().len()
    return fill(
        "leaks.html",
        pairs=pairs,
        most=max(len(pair.sides) for pair in pairs),
        total=count_words(len(leaks), "picture"),
        of=f"{measured:,}",
        all_shown=len(pairs) == len(leaks),
        sources=count_words(len({leak.training for leak in leaks}), "training picture"),
    )


def _pairs(facts: Facts, leaks: tuple[Leak, ...]) -> Iterator[Pair]:
    titles = {arm.recipe.name: arm.recipe.title for arm in facts.arms}
    anchors = facts.anchors
    for leak in leaks:
        title, subject = titles.get(leak.recipe, leak.recipe), f"{leak.subject}, seed {leak.seed}"
        yield Pair(
            title=title,
            subject=subject,
            anchor=anchors.get((leak.recipe, leak.subject, leak.seed)),
            training=leak.training,
            sides=tuple(_sides(facts, leak, f"{title}: {subject}")),
            numbers=(
                ("score", number_words(leak.score)),
                ("margin", number_words(leak.margin, sign=True)),
                ("p", p_words(leak.p)),
                ("q", p_words(leak.q)),
            ),
        )


def _sides(facts: Facts, leak: Leak, made: str) -> Iterator[Side]:
    picture, original = facts.run.folder.pictures.path(leak.picture), facts.training.get(leak.training)
    own, own_why = _read(picture)
    other, other_why = _read(original)
    yield _side(own, f"{made}, which repeats {leak.training}", own_why)
    yield _side(other, f"Training picture {leak.training}, repeated by {made}", other_why)
    if leak.placement is not None and own is not None and other is not None:
        laid = overlay(own, other, leak.placement)
        yield _side(laid, f"{made} in red over {leak.training} in cyan, grey where they agree", "")


def _side(pixels: Pixels | None, alt: str, why: str) -> Side:
    return Side(alt=alt, url=None if pixels is None else pixels_url(pixels), why=why)


def _read(path: Path | None) -> tuple[Pixels | None, str]:
    """A picture of any kind, or why there is none."""
    if path is None:
        return None, "not at hand"
    try:
        return picture_file.pixels(path, _SIDE), ""
    except DatasetError:
        return None, "cannot be read"
