"""The words of a text, as the gallery's search knows them, and how pictures are found by them.

A word that many pictures have is looked for while walking the pictures in the order that is asked for: a page
is full soon. Otherwise the pictures of the rarest word are taken, and the other words asked of each.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from strikebox.jobs.schema import words

_WORD = re.compile(r"\w+")
_LONGEST = 64  # characters; the rest of a longer word is not looked at
_MOST = 16  # words of one search
_MANY = 1500  # pictures: from there on walking is faster
_AFTER_ANY = "\U0010ffff"


def words_of(text: str) -> set[str]:
    """Words in lower case and compatibility form; ё is е, as people type it."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("ё", "е")
    return {word[:_LONGEST] for word in _WORD.findall(plain)}


def searched(text: str) -> list[str]:
    """Beginnings of words that a picture must all have, longest first: those rule out the most."""
    return sorted(words_of(text), key=lambda word: (-len(word), word))[:_MOST]


@dataclass(frozen=True, slots=True)
class Having:
    """How pictures with certain words are found."""

    condition: sa.ColumnElement[bool]
    walking: bool  # through all pictures in their order; else these are taken first, and sorted


def having(connection: sa.Connection, id: sa.ColumnElement[str], beginnings: Sequence[str]) -> Having:
    """Whether the picture `id` has words that begin so, all of them; said as is fastest to find."""
    if not beginnings:
        return Having(sa.true(), walking=True)
    counted = {beginning: _count(connection, beginning) for beginning in beginnings}
    rarest, *others = sorted(counted, key=lambda beginning: counted[beginning])
    if not others and counted[rarest] >= _MANY:
        return Having(_has(id, rarest), walking=True)
    found = sa.select(words.c.picture).where(_within(words, rarest))
    found = found.where(*(_has(words.c.picture, beginning) for beginning in others))
    return Having(id.in_(found), walking=False)


def _has(id: sa.ColumnElement[str], beginning: str) -> sa.ColumnElement[bool]:
    own = words.alias()
    return sa.exists().where(own.c.picture == id, _within(own, beginning))


def _within(table: sa.FromClause, beginning: str) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.word >= beginning, table.c.word < beginning + _AFTER_ANY)


def _count(connection: sa.Connection, beginning: str) -> int:
    """Pictures with such a word, _MANY at most."""
    some = sa.select(words.c.picture).where(_within(words, beginning)).limit(_MANY).subquery()
    return int(connection.execute(sa.select(sa.func.count()).select_from(some)).scalar_one())
