"""A cell of the verdict's table: word, number and interval, and the same drawn as a match on a ruler."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from strikebox.lab.statistics import Rate
from strikebox.lab.verdict.grades import LADDERS, LETTERING, Grade, Ladder
from strikebox.lab.verdict.recommend import SOUND
from strikebox.lab.verdict.table import Row
from strikebox.lab.words import UNKNOWN, interval_words, number_words, share_words

_TIMES = "\N{MULTIPLICATION SIGN}"
_LEAST = 1e-6  # a word that begins below begins above nothing
_RULERS: Mapping[str, float] = {"overhead": 4.0}  # where a ruler ends; the others end at 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """The ruler of a column with a match on it: the stick is the interval, the head the number. 0 to 100."""

    ticks: tuple[float, ...]  # where words begin
    stick: tuple[float, float] | None
    head: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Graded:
    """What a cell says. `word` is a dash where nothing was measured, and `why` says so."""

    column: str
    title: str
    word: str
    below: str  # the word at the low end of the interval, where it is another
    above: str
    why: str
    unsound: bool  # a recipe with this word is not to be shipped
    number: str
    interval: str
    count: str
    dial: Dial | None


def cells(row: Row, is_baseline: bool) -> tuple[Graded, ...]:
    """Those of a row, in the order of the columns."""
    return tuple(cell(row, ladder, is_baseline) for ladder in LADDERS)


def cell(row: Row, ladder: Ladder, is_baseline: bool = False) -> Graded:
    """That of one column."""
    grade, count = row.grades.get(ladder.column), _count(_rate(row, ladder.column))
    if grade is None:
        return _absent(ladder, count, "reference" if is_baseline and count else "not measured")
    return Graded(
        column=ladder.column,
        title=ladder.title,
        word=grade.word,
        below="" if grade.words[0] == grade.word else grade.words[0],
        above="" if grade.words[1] == grade.word else grade.words[1],
        why="",
        unsound=grade.word not in SOUND.get(ladder.column, (grade.word,)),
        number=form(ladder, grade.number),
        interval=_interval(ladder, grade),
        count=count,
        dial=_dial(ladder, grade),
    )


def _absent(ladder: Ladder, count: str, why: str) -> Graded:
    return Graded(
        column=ladder.column,
        title=ladder.title,
        word=UNKNOWN,
        below="",
        above="",
        why=why,
        unsound=False,
        number="",
        interval="",
        count=count,
        dial=None,
    )


def ratio(over: float) -> str:
    """FLOPs over the baseline's minus one, as how many times the baseline's."""
    return f"{_TIMES}{over + 1:.2f}"


def points(difference: float) -> str:
    """A difference of two shares."""
    return f"{number_words(100 * difference, 0, sign=True)} points"


_FORMS: Mapping[str, Callable[[float], str]] = {
    "style": number_words,
    "anatomy": share_words,
    "leakage": share_words,
    "lettering": points,
    "overhead": ratio,
}


def form(ladder: Ladder, number: float) -> str:
    """A number in its column's unit."""
    return _FORMS[ladder.column](number)


def threshold(ladder: Ladder, start: float) -> str:
    """Where a word begins."""
    return "above 0%" if 0 < start < _LEAST else f"from {form(ladder, start)}"


def _interval(ladder: Ladder, grade: Grade) -> str:
    if ladder is LETTERING:  # its unit stands behind the number
        return interval_words(grade.low, grade.high, lambda end: number_words(100 * end, 0, sign=True))
    return interval_words(grade.low, grade.high, _FORMS[ladder.column])


def _rate(row: Row, column: str) -> Rate | None:
    return {"anatomy": row.whole, "leakage": row.leaked, "lettering": row.lettering}.get(column)


def _count(rate: Rate | None) -> str:
    return "" if rate is None or rate.estimate is None else f"{rate.hits} of {rate.n}"


def _dial(ladder: Ladder, grade: Grade) -> Dial:
    def place(number: float) -> float:
        return 100 * min(1.0, max(0.0, number / _RULERS.get(ladder.column, 1.0)))

    stick = None if grade.low is None or grade.high is None else (place(grade.low), place(grade.high))
    ticks = tuple(place(start) for start in ladder.starts if start >= _LEAST)
    return Dial(ticks=ticks, stick=stick, head=place(grade.number))
