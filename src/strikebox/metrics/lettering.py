"""Lettering: do pictures hold text that nobody asked for, and is it the training set's own?

A reader says what stands there; a detector says how much of the picture looks like lines of letters, since
what a model paints is often lettering that nobody can read. Either finds it. An arm's figure is read beside
the base model's, which letters too where a subject calls for it.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from strikebox.metrics.features import Feature, Metric, Reading

LETTERING = Metric(
    name="lettering",
    title="Lettering",
    unit="share of pictures with lettering",
    better="lower",
    features=("lettering", "tesseract"),
    source="a word of three letters read with a confidence of 0.6, or a row of four marks that look like "
    "letters; beside the base model's share",
)
TEXT_AREA = Metric(
    name="text_area",
    title="Text area",
    unit="share of the picture's area, 0 to 1",
    better="lower",
    features=("lettering",),
    source="boxes around rows of marks with one height, one width of stroke and shapes of their own",
)
TEXT_OVERLAP = Metric(
    name="text_overlap",
    title="Overlap with the training set's text",
    unit="1 minus the edits between what was read and a training text, over the longer's letters; 0 to 1",
    better="lower",
    features=("tesseract",),
    source="edit distance to the nearest training text; beside the same figure of held-out pictures, whose "
    "words agree with the training set's by chance alone",
)

CONFIDENT = 0.6
LEAST_LETTERS = 3  # of a word; readers see shorter ones in any texture
LEAST_MARKS = 4  # of a line; shorter rows of marks stand in pictures by chance


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """The text of the training set that what was read resembles most."""

    similarity: float  # 0 to 1
    text: str | None  # None where nothing was read


def has_lettering(feature: Feature, reading: Reading | None) -> bool | None:
    """Whether a picture holds lettering; None where nobody read it.

    `feature` is the detector's, float32 (2,): share of the area, marks of the longest line.
    """
    if reading is None:
        return None
    return bool(confident(reading)) or bool(feature[1] >= LEAST_MARKS)


def text_area(feature: Feature) -> float:
    """Share of a picture's area in lines of lettering, 0 to 1, of the detector's `feature` (2,)."""
    return float(feature[0])


def confident(reading: Reading) -> tuple[str, ...]:
    """The words of which the reader is sure, in order."""
    words = (word for word in reading.words if word.confidence >= CONFIDENT)
    return tuple(word.text for word in words if len(letters(word.text)) >= LEAST_LETTERS)


def text(reading: Reading) -> str:
    """All that was read, sure or not: a training text is recognised even in words of low confidence."""
    return " ".join(word.text for word in reading.words)


def own_texts(stated: Sequence[str | None], readings: Sequence[Reading] | None) -> tuple[str, ...]:
    """The training set's own texts, each once: those that its metadata state, or else what a reader reads.

    Texts of fewer than three letters are left out, since they stand in any other by chance.
    """
    known = [one for one in stated if one]
    if not known and readings is not None:
        known = [text(reading) for reading in readings if confident(reading)]
    first: dict[str, str] = {}
    for one in known:
        first.setdefault(letters(one), one)
    return tuple(one for folded, one in first.items() if len(folded) >= LEAST_LETTERS)


def overlap(read: str, own: Sequence[str]) -> Overlap | None:
    """The one of `own` that is nearest to what was `read`; None where `own` is empty."""
    if not own:
        return None
    found = letters(read)
    if not found:
        return Overlap(similarity=0.0, text=None)
    return max(
        (Overlap(similarity=similarity(found, letters(one)), text=one) for one in own),
        key=lambda one: one.similarity,
    )


def similarity(some: str, other: str) -> float:
    """1 - edits / letters of the longer: 1 for equal texts, 0 for texts without anything in common.

    The edits are the fewest insertions, deletions and substitutions that make one of the other. A part of
    the other counts as that part alone: short words stand in many texts by chance. Raises ValueError where
    both are empty.
    """
    if not some and not other:
        raise ValueError("two empty texts have nothing to compare")
    there, places = np.array([ord(letter) for letter in some], np.int64), np.arange(len(some) + 1)
    edits = places  # from no letter of the other to each beginning of `some`
    for letter in other:
        kept = np.concatenate([[edits[0] + 1], edits[:-1] + (there != ord(letter))])
        # A letter of `some` more costs one, so the least of what came before and the way from there.
        edits = np.minimum.accumulate(np.minimum(kept, edits + 1) - places) + places
    return 1 - float(edits[-1]) / max(len(some), len(other))


def letters(words: str) -> str:
    """Letters and digits alone, without case and accents: readers take ё for е and й for и."""
    parts = unicodedata.normalize("NFKD", words.casefold())
    return "".join(letter for letter in parts if letter.isalnum())


def rate(found: Sequence[bool | None]) -> float | None:
    """Share of the pictures that were looked at; None where none was."""
    known = [one for one in found if one is not None]
    return sum(known) / len(known) if known else None
