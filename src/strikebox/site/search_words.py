"""The words of a text, as the gallery's search knows them."""

import re
import unicodedata

_WORD = re.compile(r"\w+")
_LONGEST = 64  # characters; the rest of a longer word is not looked at
_MOST = 16  # words of one search


def words_of(text: str) -> set[str]:
    """Words in lower case and compatibility form; ё is е, as people type it."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return {word[:_LONGEST] for word in _WORD.findall(plain)}


def searched(text: str) -> list[str]:
    """Beginnings of words that a picture must all have, longest first: those rule out the most."""
    return sorted(words_of(text), key=lambda word: (-len(word), word))[:_MOST]
