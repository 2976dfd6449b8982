"""Evidence of leaks: each flagged picture beside the training picture that it repeats."""

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from strikebox.errors import DatasetError, StoreError
from strikebox.lab.measured import Leak
from strikebox.lab.report.facts import Facts
from strikebox.lab.report.pictures import small_url
from strikebox.lab.report.templates import fill
from strikebox.lab.report.words import count_words, number_words, p_words

MOST_SHOWN = 24
_SIDE = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """One picture of a pair; without `url` it cannot be shown, and `why` says so."""

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
    made: Side
    repeated: Side
    numbers: tuple[tuple[str, str], ...]


def section(facts: Facts) -> Markup | None:
    """Pairs, gravest first; left out where no picture is flagged."""
    if facts.verdict is None or not facts.verdict.measured.leaks:
        return None
    leaks = facts.verdict.measured.leaks
    shown = leaks[:MOST_SHOWN]
    measured = facts.verdict.measured.cells["leaked"].drop_nulls().len()
    return fill(
        "leaks.html",
        pairs=list(_pairs(facts, shown)),
        total=count_words(len(leaks), "picture"),
        of=f"{measured:,}",
        shown=len(shown),
        all_shown=len(shown) == len(leaks),
        sources=len({leak.training for leak in leaks}),
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
            made=_made(facts, leak, f"{title}: {subject}, which repeats {leak.training}"),
            repeated=_repeated(facts, leak),
            numbers=(
                ("score", number_words(leak.score)),
                ("margin", number_words(leak.margin, sign=True)),
                ("p", p_words(leak.p)),
                ("q", p_words(leak.q)),
            ),
        )


def _made(facts: Facts, leak: Leak, alt: str) -> Side:
    try:
        return Side(alt=alt, url=small_url(facts.run.folder.pictures.path(leak.picture), _SIDE), why="")
    except (DatasetError, StoreError):
        return Side(alt=alt, url=None, why="cannot be read")


def _repeated(facts: Facts, leak: Leak) -> Side:
    alt, path = (
        f"Training picture {leak.training}, repeated by {leak.recipe}",
        facts.training.get(leak.training),
    )
    if path is None:
        return Side(alt=alt, url=None, why="not at hand")
    try:
        return Side(alt=alt, url=small_url(path, _SIDE), why="")
    except DatasetError:
        return Side(alt=alt, url=None, why="cannot be read")
