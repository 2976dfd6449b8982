"""How a word may be meant: letters that look alike, digits that stand for letters, letters far apart.

Words are compared in a plain form: NFKC, without case, accents, zero-width and directional characters.
Whoever writes a word with letters of another alphabet, or with digits, is read as meant: such readings are
added, but only where every character of the word has one, so that honest words of one alphabet keep
their own.
"""

import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice, product

# Letters that look alike in most typefaces, a choice from Unicode Technical Standard 39, confusables.txt.
_LOOKS_LATIN = dict(
    zip(
        "авгеёзикмнопрстухьѕіїјԁһԛԝӏɡʜıαβγεηικμνορστυχω",
        "abree3ukmhonpctyxbsiijdhqwlghiabyenikuvopotuxw",
        strict=True,
    )
)
_LOOKS_CYRILLIC = dict(zip("abcehikmnoprtuxyαβεικμορτυχ", "авсеникмпоргтихуавеикмортух", strict=True))

# Digits and signs that stand for letters; where several are meant, each is tried.
_MEANS_LATIN: Mapping[str, str] = {
    "0": "o", "1": "il", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "9": "g",
    "@": "a", "$": "s", "!": "i", "|": "il", "+": "t", "€": "e", "£": "l", "¢": "c",
}  # fmt: skip
_MEANS_CYRILLIC: Mapping[str, str] = {
    "0": "о", "1": "и", "3": "зе", "4": "ч", "6": "б", "8": "в", "9": "я", "@": "а", "$": "с", "!": "и",
}  # fmt: skip

_SIGNS = "@$!|+€£¢"
_MASKS = "*#%"
_MOST_READINGS = 16  # of one word
_WORD = re.compile(rf"[^\W_]+(?:[{re.escape(_SIGNS)}]+[^\W_]+)*|[{re.escape(_SIGNS)}]+[^\W_]+")
_MASKED = re.compile(rf"[^\W\d_]+[{re.escape(_MASKS)}]+[^\W\d_]*")
_APART = re.compile(r"(?<!\w)\w(?:[\W_]+\w(?![^\W_])){2,}")
_JOINED = re.compile(r"[^\W_]+(?:[-._'’·~][^\W_]+)+")
_REPEATED = re.compile(r"(\w)\1{2,}")


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a prompt."""

    plain: str  # as it is written, in plain form
    readings: frozenset[str]  # what it may be meant to be, `plain` included
    masked: bool = False  # signs stand for letters: each dot of `plain` may be any letter


def plain(text: str) -> str:
    """NFKC, casefolded, without accents and what cannot be seen: й is и, ё is е, é is e."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    parts = unicodedata.normalize("NFKD", folded)
    return "".join(c for c in parts if unicodedata.category(c) not in ("Cf", "Mn", "Me", "Cc") or c.isspace())


def words(text: str) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    """The words of `text` in order, and the words that stand in it otherwise: spelled out, cut up, masked."""
    line = plain(text)
    in_order = tuple(_word(found) for found in _WORD.findall(line))
    return in_order, tuple(_hidden(line))


def _hidden(line: str) -> Iterator[Word]:
    for spelled in _APART.findall(line):
        yield _word(re.sub(r"[\W_]", "", spelled))
    for joined in _JOINED.findall(line):
        yield _word(re.sub(r"[\W_]", "", joined))
    for masked in _MASKED.findall(line):
        pattern = re.sub(rf"[{re.escape(_MASKS)}]", ".", masked)
        if len(pattern) - pattern.count(".") >= max(2, pattern.count(".")):
            yield Word(pattern, frozenset(), masked=True)


def _word(text: str) -> Word:
    return Word(text, frozenset(islice(_readings(text), _MOST_READINGS)))


def _readings(text: str) -> Iterator[str]:
    yield from _unrepeated(text)
    if not any(c.isalpha() for c in text):
        return
    for looks, means, first, last in (
        (_LOOKS_LATIN, _MEANS_LATIN, "a", "z"),
        (_LOOKS_CYRILLIC, _MEANS_CYRILLIC, "а", "я"),
    ):
        choices = [c if first <= c <= last else means.get(c) or looks.get(c) or "" for c in text]
        if all(choices):
            for letters in islice(product(*choices), _MOST_READINGS):
                yield from _unrepeated("".join(letters))


def _unrepeated(text: str) -> Iterator[str]:
    """Three equal letters or more are meant as one or two."""
    yield text
    if _REPEATED.search(text):
        yield _REPEATED.sub(r"\1", text)
        yield _REPEATED.sub(r"\1\1", text)
