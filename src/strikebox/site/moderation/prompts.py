"""Which prompts are refused, and what their writer is told.

Rules know words, not meaning: they stop what is plainly asked for and pass what is cleverly described, so
pictures are looked at as well before they are published (`picture.py`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, final

from strikebox.site.moderation import prompt_lists
from strikebox.site.moderation.letters import Word, words
from strikebox.site.moderation.prompt_lists import Places, PromptList, Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a prompt is refused. Nothing in it repeats the prompt."""

    category: str  # of the list that it met: sexual, hate
    list_language: str
    reasons: Mapping[str, str]  # what to change, by language

    def reason(self, language: str) -> str:
        """What to change, in `language` where its list says it, else in that of the list that was met."""
        return self.reasons.get(language, self.reasons[self.list_language])


@final
class PromptRules:
    """The rules of some lists, ready to be asked. It holds no state: threads may share it."""

    def __init__(self, lists: Sequence[PromptList]) -> None:
        self._lists = tuple(lists)

    @classmethod
    def read(cls, folder: Path | None = None, languages: Sequence[str] = ("en", "ru")) -> Self:
        """The shipped lists of `languages`; what `folder` has of <language>.txt takes their place.

        Raises ModerationError.
        """
        return cls(prompt_lists.read(languages, folder))

    def check(self, prompt: str) -> Refusal | None:
        """Why `prompt` is refused; None where no rule meets it."""
        in_order, hidden = words(prompt)
        harmless = self._harmless(in_order) | self._harmless(hidden)
        row = tuple(word for word in in_order if word not in harmless)
        others = tuple(word for word in hidden if word not in harmless)
        for one in self._lists:
            if not any(_is_touched(word, one.any_place) for word in (*row, *others)):
                continue
            for rule in one.rules:
                if _meets(rule, row, others):
                    return self._refusal(rule.category, one.language)
        return None

    def _harmless(self, found: Sequence[Word]) -> frozenset[Word]:
        """Words that some list calls harmless, alone or in a row."""
        rows = (places for one in self._lists for places in one.harmless)
        return frozenset(word for places in rows for word in _in_a_row(places, found, as_written=True))

    def _refusal(self, category: str, language: str) -> Refusal:
        reasons = {one.language: one.reasons[category] for one in self._lists if category in one.reasons}
        return Refusal(category=category, list_language=language, reasons=reasons)


def _is_touched(word: Word, any_place: re.Pattern[str]) -> bool:
    return word.masked or any(any_place.fullmatch(reading) for reading in word.readings)


def _meets(rule: Rule, row: Sequence[Word], others: Sequence[Word]) -> bool:
    if len(rule.places) == 1:
        return any(_is(word, rule.places[0]) for word in (*row, *others)) or _is_masked(rule, others)
    if rule.in_a_row:
        return bool(_in_a_row(rule.places, row))
    return all(any(_is(word, place) for word in (*row, *others)) for place in rule.places)


def _in_a_row(places: Places, row: Sequence[Word], as_written: bool = False) -> Sequence[Word]:
    """The first words that stand side by side as `places` say; none where there are none."""
    for start in range(len(row) - len(places) + 1):
        some = row[start : start + len(places)]
        if all(_is(word, place, as_written) for word, place in zip(some, places, strict=True)):
            return some
    return ()


def _is(word: Word, place: re.Pattern[str], as_written: bool = False) -> bool:
    return any(place.fullmatch(reading) for reading in ([word.plain] if as_written else word.readings))


def _is_masked(rule: Rule, others: Sequence[Word]) -> bool:
    """Does a word with letters masked have a rule's own letters, as many as it?"""
    masks = [word.plain for word in others if word.masked]
    return any(_fits(mask, word) for mask in masks for word in rule.alone)


def _fits(mask: str, word: str) -> bool:
    return len(mask) == len(word) and all(m in (".", w) for m, w in zip(mask, word, strict=True))
