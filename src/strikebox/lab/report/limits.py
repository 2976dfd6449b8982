"""What could not be told, and how the rest was measured."""

from markupsafe import Markup

from strikebox.lab.measure.metrics import METRICS
from strikebox.lab.report import graded
from strikebox.lab.report.facts import Facts
from strikebox.lab.report.templates import fill
from strikebox.lab.verdict.grades import LADDERS, Ladder
from strikebox.lab.verdict.recommend import SOUND
from strikebox.lab.words import UNKNOWN, count_words, number_words

_TITLES = {ladder.column: ladder.title for ladder in LADDERS} | {"rke": "Effectively different pictures"}


def limits(facts: Facts) -> Markup | None:
    """What the design could not tell; left out where it could tell everything."""
    if facts.verdict is None or not facts.verdict.limits:
        return None
    return fill("limits.html", limits=facts.verdict.limits)


def measures(facts: Facts) -> Markup | None:
    """The ends of each scale, where the words begin, and what every number is."""
    if facts.verdict is None:
        return None
    measured = facts.verdict.measured
    return fill(
        "measures.html",
        sets=_sets(measured.training, measured.held_out),
        scales=[
            (_title(name), number_words(scale.floor), number_words(scale.ceiling), scale.words)
            for name, scale in measured.scales.items()
        ],
        missing=[(_title(name), why) for name, why in measured.missing.items()],
        ladders=[(ladder, rungs(ladder)) for ladder in LADDERS],
        metrics=METRICS,
    )


def _title(name: str) -> str:
    """What people call a metric."""
    return _TITLES.get(name, name.replace("_", " ").capitalize())


def _sets(training: int | None, held_out: int | None) -> list[tuple[str, str]]:
    counts = (("Training set", training), ("Held-out set", held_out))
    return [(name, UNKNOWN if count is None else count_words(count, "picture")) for name, count in counts]


def rungs(ladder: Ladder) -> list[tuple[str, str, bool]]:
    """Word, where it begins, and whether a recipe with it may be shipped."""
    first = graded.threshold(ladder, ladder.starts[0])
    below = "0%" if first.startswith("above") else f"below {first.removeprefix('from ')}"
    starts = (below, *(graded.threshold(ladder, start) for start in ladder.starts))
    sound = SOUND.get(ladder.column, ladder.words)
    return [(word, start, word in sound) for word, start in zip(ladder.words, starts, strict=True)]
