"""The contract between extractors, which look at pictures, and metrics, which only count.

An extractor may need torch or a program; a metric takes arrays and returns numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from strikebox.generation.backend import Pixels

Feature = NDArray[np.float32]


class Extractor(Protocol):
    """Turns pictures into features; each depends on its own picture alone, not on its batch."""

    @property
    def name(self) -> str:
        """Short, as the registry has it: palette, judge, efficientnet."""
        ...

    @property
    def version(self) -> str:
        """Changes with anything that changes the features: weights, sizes, code. Part of the cache's key."""
        ...

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        """One array a picture, all of one shape; the pictures may differ in size."""
        ...


class Judge(Extractor, Protocol):
    """An extractor whose features can be compared with those of words: unit length, cosine similarity."""

    def words(self, texts: Sequence[str]) -> Feature:
        """float32 (texts, dim), unit length."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A word as a reader found it."""

    text: str
    confidence: float  # 0 to 1
    box: tuple[float, float, float, float]  # left, top, right, bottom, as shares of width and height


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader found in a picture."""

    words: tuple[Word, ...]


class Reader(Protocol):
    """Reads lettering."""

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def __call__(self, pictures: Sequence[Pixels]) -> list[Reading]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Metric:
    """What a number means, wherever it is shown."""

    name: str  # of its column
    title: str
    unit: str
    better: Literal["higher", "lower"]
    features: tuple[str, ...]  # extractors or readers that it needs
    source: str  # paper, or the reasoning in a sentence
