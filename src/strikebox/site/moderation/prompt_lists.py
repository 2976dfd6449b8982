"""Lists of what prompts may not ask for: text files, one a language, that an operator may replace.

    # a comment
    [code] What the visitor is told to change, in the language of the list.
    word            that word
    word*           and every word that begins so
    two words*      in a row
    some|other* + third      both anywhere in the prompt; | stands between words of one place
    = harmless*     never a match, whatever it begins with; also two words in a row

Case, accents, look-alike letters and digits for letters do not matter (`letters.py`).
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

from strikebox import files
from strikebox.errors import ModerationError
from strikebox.site.moderation.letters import plain

_HEADING = re.compile(r"\[([a-z][a-z0-9-]*)\]\s*(.*)")
Places = tuple[re.Pattern[str], ...]
"""Patterns of whole words, one a place."""

_ENTRY = re.compile(r"=?[^\W_][^\W_]*\*?(?:[\s|+]+[^\W_]+\*?)*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One line of a list. Each place is a pattern that a whole word must match."""

    category: str
    places: Places
    in_a_row: bool  # the places stand side by side, in order; else anywhere
    alone: tuple[str, ...]  # the words themselves where there is one place; else empty


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptList:
    """A list as read."""

    language: str  # its file's name: en, ru
    reasons: dict[str, str]  # by category
    rules: tuple[Rule, ...]
    harmless: tuple[Places, ...]  # words in a row
    any_place: re.Pattern[str]  # matches whatever a place of a rule matches: what it does not touch is fine


def shipped() -> Path:
    """The folder of the lists that come with the package."""
    return Path(str(package_files("strikebox"))) / "site" / "moderation" / "lists"


def read(languages: Sequence[str], folder: Path | None = None) -> tuple[PromptList, ...]:
    """The lists <language>.txt: that of `folder` where it has one, else the shipped one.

    Raises ModerationError that names file, line and what to do.
    """
    if folder is not None and not folder.is_dir():
        raise ModerationError(f"{folder}: is no folder; give the folder that holds your <language>.txt")
    return tuple(_read(_place(language, folder), language) for language in languages)


def _place(language: str, folder: Path | None) -> Path:
    own = None if folder is None else folder / f"{language}.txt"
    return own if own is not None and own.is_file() else shipped() / f"{language}.txt"


def _read(path: Path, language: str) -> PromptList:
    if not path.is_file():
        raise ModerationError(f"{path}: there is no list of this language; add the file or drop {language}")
    try:
        text = files.read(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ModerationError(f"{path}: is not UTF-8 text; save it as such") from None
    reasons, rules, harmless = dict[str, str](), list[Rule](), list[Places]()
    category = None
    for number, line in _lines(text):
        place = f"{path}:{number}"
        if heading := _HEADING.fullmatch(line):
            category, reasons[heading[1]] = heading[1], _reason(heading[2], place)
            continue
        entry = plain(line)
        if not _ENTRY.fullmatch(entry.replace("= ", "=")):
            raise ModerationError(f"{place}: {line!r} is no rule; write words, word*, two words, one + other")
        if entry.startswith("="):
            harmless.append(tuple(map(_pattern, entry[1:].split())))
        elif category is None:
            raise ModerationError(
                f"{place}: stands before the first heading; write [code] and a reason first"
            )
        else:
            rules.append(_rule(category, entry))
    return PromptList(
        language=language,
        reasons=reasons,
        rules=tuple(rules),
        harmless=tuple(harmless),
        any_place=re.compile("|".join(place.pattern for rule in rules for place in rule.places) or r"(?!)"),
    )


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        bare = line.partition("#")[0].strip()
        if bare:
            yield number, bare


def _reason(text: str, place: str) -> str:
    if not text:
        raise ModerationError(f"{place}: says no reason; write after the ] what a visitor should change")
    return text


def _rule(category: str, entry: str) -> Rule:
    together = "+" in entry
    places = [part.strip() for part in entry.split("+")] if together else entry.split()
    alone = tuple(word.removesuffix("*") for word in places[0].split("|")) if len(places) == 1 else ()
    return Rule(
        category=category,
        places=tuple(_pattern(place) for place in places),
        in_a_row=not together,
        alone=alone,
    )


def _pattern(place: str) -> re.Pattern[str]:
    """`some|other*` as a pattern of whole words."""
    words = (word.strip() for word in place.split("|"))
    return re.compile("|".join(re.escape(w.removesuffix("*")) + r"\w*" * w.endswith("*") for w in words))
