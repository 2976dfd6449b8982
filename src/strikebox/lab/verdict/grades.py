"""Words for numbers: where each begins. A word never stands without its number and interval."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Literal

Word = Literal["None", "Low", "Medium", "High", "Critical"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The words of one column, and the number from which each holds."""

    column: str
    title: str
    of: str  # what the number is
    better: Literal["higher", "lower"]
    words: tuple[Word, ...]
    starts: tuple[float, ...]  # one fewer than the words: the first holds below the first of them

    def word(self, number: float) -> Word:
        """The word for a number."""
        return self.words[bisect_right(self.starts, number)]


STYLE = Ladder(
    column="style",
    title="Style fidelity",
    of="share of the way from the base model to held-out pictures of the style",
    better="higher",
    words=("None", "Low", "Medium", "High"),
    starts=(0.15, 0.4, 0.7),
)
ANATOMY = Ladder(
    column="anatomy",
    title="Anatomical integrity",
    of="share of pictures that show their subject whole, over the base model's share",
    better="higher",
    words=("None", "Low", "Medium", "High"),
    starts=(0.25, 0.6, 0.85),
)
LEAKAGE = Ladder(
    column="leakage",
    title="Training leakage",
    of="share of pictures that repeat a training picture",
    better="lower",
    words=("None", "Low", "Medium", "High", "Critical"),
    starts=(1e-9, 0.05, 0.2, 0.5),
)
LETTERING = Ladder(
    column="lettering",
    title="Lettering",
    of="share of pictures with lettering, minus the base model's share",
    better="lower",
    words=("None", "Low", "Medium", "High", "Critical"),
    starts=(0.02, 0.1, 0.25, 0.5),
)
OVERHEAD = Ladder(
    column="overhead",
    title="Inference overhead",
    of="FLOPs over the baseline's, minus one",
    better="lower",
    words=("None", "Low", "Medium", "High", "Critical"),
    starts=(0.05, 0.5, 1.2, 3.0),
)
LADDERS = (STYLE, ANATOMY, LEAKAGE, LETTERING, OVERHEAD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grade:
    """A word with its number and interval; the words at the interval's ends say how firm it is."""

    word: Word
    number: float
    low: float | None
    high: float | None
    words: tuple[Word, Word]  # at the ends of the interval; twice `word` where there is none

    @property
    def firm(self) -> bool:
        """Whether the whole interval has one word."""
        return self.words[0] == self.words[1]


def grade(ladder: Ladder, number: float | None, low: float | None, high: float | None) -> Grade | None:
    """None where nothing was measured."""
    if number is None:
        return None
    ends = (number if low is None else low, number if high is None else high)
    words = (ladder.word(ends[0]), ladder.word(ends[1]))
    return Grade(word=ladder.word(number), number=number, low=low, high=high, words=words)
