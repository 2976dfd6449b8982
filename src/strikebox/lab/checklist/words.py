"""Rows on words: the captions beside the pictures, and the lettering in them."""

import re
from collections import Counter
from collections.abc import Sequence
from statistics import median

from strikebox.lab.checklist.row import Row, Verdict, judged
from strikebox.lab.dataset import Dataset
from strikebox.lab.words import count_words
from strikebox.metrics.features import Reading
from strikebox.metrics.lettering import confident

RARE = 0.02  # share of pictures with lettering, below which it is no part of the style
LEAST_WORDS = 3  # beside the trigger, below which a caption says little more than the subject


def captions(dataset: Dataset, trigger: str | None) -> Row:
    """Is each picture described, in words that tell it from the others, with the trigger words?"""
    given = [p.caption for p in dataset.pictures if p.caption is not None]
    n, distinct = len(dataset.pictures), Counter(given)
    phrases = _phrases(trigger)
    triggered = sum(all(phrase in caption.casefold() for phrase in phrases) for caption in given)
    length = median(_words_beside(caption, phrases) for caption in given) if given else None
    values = {
        "pictures": n,
        "captioned": len(given),
        "distinct": len(distinct),
        "effective": _effective(distinct),
        "trigger": trigger,
        "with_trigger": triggered if phrases else None,
        "words_beside_trigger": length,
        "in_every_caption": _common(given),
    }
    if not given:
        reason = "Without captions the LoRA learns style and subjects as one; describe each picture."
        return judged("captions", "Captions", "none", values, ("stop", reason))
    figure = f"{len(given)} of {n} captioned, {len(distinct)} different"
    findings = [
        *_missing(n - len(given)),
        _variety(distinct, length or 0),
        _triggers(triggered, len(given), trigger, _common(given)),
    ]
    return judged("captions", "Captions", figure, values, *findings)


def lettering(dataset: Dataset, readings: Sequence[Reading] | None, why: str | None) -> Row:
    """How many pictures hold words? By a reader, or else by what the metadata says."""
    title, n = "Lettering in the dataset", len(dataset.pictures)
    stated = sum(p.text is not None for p in dataset.pictures)
    if readings is None and not stated:
        reason = f"It was not read: {why or 'no reader was given'}"
        return judged("lettering", title, "not measured", _lettering(None, None, n), ("look", reason))
    if readings is None:
        hits, by = stated, "by the metadata"
    else:
        hits, by = sum(bool(confident(reading)) for reading in readings), "as read"
    if hits <= RARE * n:
        found: tuple[Verdict, str] = "go", "What letters the LoRA draws are its own; any is a fault."
    else:
        found = "look", "The LoRA learns to letter as well: compare its words with those of the set."
    return judged("lettering", title, f"{hits} of {n} with lettering, {by}", _lettering(hits, by, n), found)


def _missing(missing: int) -> list[tuple[Verdict, str]]:
    if not missing:
        return []
    return [
        ("look", f"{count_words(missing, 'picture')} without a caption: all in them is learned as style.")
    ]


def _variety(distinct: Counter[str], length: float) -> tuple[Verdict, str]:
    if len(distinct) == 1 and distinct.total() > 1:
        only = next(iter(distinct))
        return "stop", f"All say {only!r}: the LoRA cannot tell style from subject; describe each picture."
    if length < LEAST_WORDS:
        says = f"Beside the trigger a caption says {count_words(round(length), 'word')}"
        return "look", f"{says}; layout, lettering and all else unsaid is learned as style."
    return "go", f"Beside the trigger a caption says {count_words(round(length), 'word')}."


def _triggers(triggered: int, given: int, trigger: str | None, common: Sequence[str]) -> tuple[Verdict, str]:
    if trigger is None:
        words = f"every caption says {' '.join(common)!r}" if common else "no word stands in every caption"
        return "look", f"The LoRA names no trigger words; {words}."
    if not triggered:
        return (
            "stop",
            f"No caption says {trigger!r}: it calls up nothing; give the words it was trained with.",
        )
    if triggered < given:
        return "look", f"{given - triggered} of {given} captions lack {trigger!r}."
    return "go", f"Every caption says {trigger!r}."


def _phrases(trigger: str | None) -> list[str]:
    return [phrase.strip().casefold() for phrase in (trigger or "").split(",") if phrase.strip()]


def _words_beside(caption: str, phrases: Sequence[str]) -> int:
    rest = caption.casefold()
    for phrase in phrases:
        rest = rest.replace(phrase, " ")
    return len(_split(rest))


def _split(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _common(given: Sequence[str]) -> list[str]:
    """Words of the first caption that stand in all of them, in order."""
    if not given:
        return []
    everywhere = set[str].intersection(*(set(_split(caption)) for caption in given))
    return [word for word in dict.fromkeys(_split(given[0])) if word in everywhere]


def _effective(distinct: Counter[str]) -> float | None:
    """Effective number of captions: of two drawn at random, how often they agree, inverted."""
    total = distinct.total()
    return total**2 / sum(count**2 for count in distinct.values()) if total else None


def _lettering(hits: int | None, by: str | None, n: int) -> dict[str, object]:
    return {"lettered": hits, "share": None if hits is None else hits / n, "by": by}
