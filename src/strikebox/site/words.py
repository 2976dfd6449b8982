"""What the site says, in each language: a TOML file of words under dotted keys, and who gets which.

A word may count: `{ one = "{n} vote", other = "{n} votes" }` has one form a plural category (Unicode CLDR),
and `n` chooses.
"""

import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal, cast

from strikebox.lab.blueprint_words import ENGLISH

Forms = Mapping[str, str]
Word = str | tuple[str, ...] | Forms
Category = Literal["one", "few", "many", "other"]


@dataclass(frozen=True, slots=True)
class Words:
    """All that the site says in one language. `words["a.b"]` is a word, `words("a.b", n=3)` one filled in."""

    language: str  # as in the `lang` attribute: en, ru
    name: str  # of the language, in the language
    table: Mapping[str, Word]  # by dotted key
    translations: Mapping[str, str]  # of what is said in English elsewhere: recipes, kinds of problems

    def __call__(self, key: str, **values: object) -> str:
        """The word with its {names} filled in. Raises KeyError where the word or a value is missing."""
        word = self.table[key]
        if isinstance(word, str):
            return word.format(**values) if values else word
        if isinstance(word, tuple):
            raise KeyError(f"{key} is a list; take it with words.list")
        category = PLURALS[self.language](cast(int, values["n"]))
        return word.get(category, word["other"]).format(**values)

    def list(self, key: str) -> tuple[str, ...]:
        """The lines of a list. Raises KeyError where there is no such list."""
        word = self.table[key]
        if not isinstance(word, tuple):
            raise KeyError(f"{key} is no list")
        return word

    def translated(self, text: str) -> str:
        """What a recipe or the API says in English; an operator's own recipe stays as it was written."""
        return self.translations.get(text, text)

    def blueprint(self, key: str, **values: object) -> str:
        """The words of a drawn recipe. Raises KeyError where there is none."""
        return self(f"blueprint.{key}", **values)

    def has(self, key: str) -> bool:
        return key in self.table


def _english(n: int) -> Category:
    return "one" if n == 1 else "other"


def _russian(n: int) -> Category:
    tens, ones = n % 100 // 10, n % 10
    if tens == 1:
        return "many"
    if ones == 1:
        return "one"
    return "few" if 2 <= ones <= 4 else "many"


# Plural rules of whole numbers: unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html
PLURALS: Mapping[str, Callable[[int], Category]] = {"en": _english, "ru": _russian}
NAMES: Mapping[str, str] = {"en": "English", "ru": "Русский"}


@cache
def words(language: str) -> Words:
    """The words of a language. Raises KeyError where the site does not speak it."""
    folder = resources.files("strikebox.site") / "words"
    table = tomllib.loads((folder / f"{language}.toml").read_text("utf-8"))
    if language == "en":  # where it comes from
        return Words(language, NAMES[language], dict(_flat({**table, "blueprint": ENGLISH})), {})
    translations = tomllib.loads((folder / f"translations-{language}.toml").read_text("utf-8"))
    return Words(language, NAMES[language], dict(_flat(table)), cast(Mapping[str, str], translations))


def choose(cookie: str | None, header: str, spoken: Sequence[str]) -> str:
    """A language of `spoken`: the cookie's, else the best of an Accept-Language header, else the first."""
    if cookie in spoken:
        return cast(str, cookie)
    return next((tag for tag in _accepted(header) if tag in spoken), spoken[0])


def _accepted(header: str) -> list[str]:
    """Primary tags, the most wanted first (RFC 9110, section 12.5.4); what cannot be read is passed over."""
    wanted: list[tuple[float, str]] = []
    for item in header[:500].split(","):
        tag, _, weight = item.strip().partition(";q=")
        try:
            wanted.append((float(weight or 1), tag.strip().lower().partition("-")[0]))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(wanted, key=lambda pair: -pair[0]) if weight > 0]


def _flat(table: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, Word]]:
    for key, value in table.items():
        match value:
            case str():
                yield prefix + key, value
            case list():
                yield prefix + key, tuple(cast(list[str], value))
            case _ if "other" in cast(Mapping[str, object], value) and prefix != "":
                yield prefix + key, cast(Forms, value)
            case _:
                yield from _flat(cast(Mapping[str, object], value), f"{prefix}{key}.")
