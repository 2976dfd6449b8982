"""Published pictures: one by its id, pages of many, search by the words of the subject.

Pages are found by the place of their last picture (keyset), so the thousandth takes as long as the first.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast, final

import sqlalchemy as sa

from strikebox.errors import CursorError, MissingPicture
from strikebox.jobs import Database
from strikebox.jobs.schema import pictures, recipes, votes, words
from strikebox.site.search_words import having, searched, words_of

Sort = Literal["newest", "week", "month", "ever", "hall"]
PictureState = Literal["public", "withheld", "taken down", "deleted"]

_DAY = 86400.0
_SINCE: Mapping[Sort, float] = {"week": 7 * _DAY, "month": 30 * _DAY}


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture as a page shows it. Times are seconds since 1970, UTC."""

    id: str  # that of the job that made it
    state: PictureState
    subject: str
    prompts: tuple[str, ...]  # one a pass
    seed: int
    recipe: str  # name
    recipe_hash: str
    toml: str  # the recipe itself
    model: Mapping[str, str | None]  # name, hash, lora_name, lora_hash
    width: int  # pixels
    height: int
    file: str  # PNG, a name in the media folder
    thumbnail: str  # WebP, likewise
    enlarged: str | None  # PNG of twice the side, likewise
    created: float  # when it was published
    votes: int
    hall: float | None  # when it entered the Hall of Fame
    maker: str | None  # client
    finding: str | None  # why it was withheld
    forwards: int
    flops: int
    seconds: float  # of generation, measured
    dollars: float  # measured

    @property
    def is_public(self) -> bool:
        return self.state == "public"


@dataclass(frozen=True, slots=True)
class Page:
    """Some pictures, and where the next ones begin."""

    pictures: Sequence[Picture]
    after: str | None  # cursor of the next page; None: there is none


@final
class Pictures:
    """The pictures of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def find(self, id: str) -> Picture | None:
        """The picture with this id in whatever state, if there is one."""
        with self._database.reading() as connection:
            row = connection.execute(_all().where(pictures.c.id == id)).mappings().first()
        return None if row is None else _picture(row)

    def public(self, id: str) -> Picture:
        """The picture with this id. Raises MissingPicture unless everybody may see it."""
        picture = self.find(id)
        if picture is None or not picture.is_public:
            raise MissingPicture("There is no such picture, or it is not shown any more.")
        return picture

    def page(self, sort: Sort = "newest", words: str = "", after: str | None = None, most: int = 24) -> Page:
        """Public pictures, newest first or those with the most votes; all `words` begin words of theirs.

        Raises CursorError where `after` is not a cursor of this order.
        """
        query = _all()
        if sort in _SINCE:
            # The sum keeps the index by votes: a page is full long before all of a month is read.
            query = query.where(pictures.c.created + 0.0 >= self._database.now - _SINCE[sort])
        if sort == "hall":
            query = query.where(pictures.c.hall.is_not(None))
        return self._page(query, _KEYS[sort], after, most, "public", searched(words))

    def of_maker(self, client: str, after: str | None = None, most: int = 24) -> Page:
        """Public and withheld pictures that a client ordered, newest first. Raises CursorError."""
        query = _all().where(pictures.c.maker == client, pictures.c.state.in_(("public", "withheld")))
        return self._page(query, _KEYS["newest"], after, most)

    def in_state(self, state: PictureState, after: str | None = None, most: int = 24) -> Page:
        """Pictures in one state, newest first. Raises CursorError."""
        return self._page(_all(), _KEYS["newest"], after, most, state)

    def counts(self) -> dict[PictureState, int]:
        """Pictures by state; a state that none is in is left out."""
        query = sa.select(pictures.c.state, sa.func.count()).group_by(pictures.c.state)
        with self._database.reading() as connection:
            return {state: int(number) for state, number in connection.execute(query)}

    def needed(self, names: Sequence[str]) -> set[str]:
        """Those of some names of media files that pictures need; a thousand names at most."""
        columns = (pictures.c.file, pictures.c.thumbnail, pictures.c.enlarged)
        kept = pictures.c.state != "deleted"
        query = sa.union_all(*(sa.select(one).where(one.in_(names), kept) for one in columns))
        with self._database.reading() as connection:
            return set(connection.execute(query).scalars())

    def publish(self, connection: sa.Connection, picture: Picture) -> None:
        """Add a picture, whose files are on the disk; withheld ones too, for whoever decides on them."""
        row = asdict(picture)
        del row["toml"]
        connection.execute(sa.insert(pictures).values({**row, "created": self._database.now}))
        if picture.is_public:
            add_words(connection, picture.id, picture.subject)

    def enlarge(self, connection: sa.Connection, id: str, name: str) -> None:
        """Note the file of twice the side, which is on the disk."""
        connection.execute(sa.update(pictures).where(pictures.c.id == id).values(enlarged=name))

    def delete(self, id: str, client: str) -> bool:
        """Whether `client` made it and it is now deleted: its words at once, its files by the next sweep."""
        mine = (pictures.c.id == id, pictures.c.maker == client)
        nothing: dict[str, object] = {"hall": None, "maker": None, "subject": "", "prompts": []}
        with self._database.writing() as connection:
            gone = sa.update(pictures).where(*mine, pictures.c.state.in_(("public", "withheld")))
            if connection.execute(gone.values(state="deleted", **nothing)).rowcount != 1:
                return False
            remove_words(connection, id)
            connection.execute(sa.delete(votes).where(votes.c.picture == id))
        return True

    def _page(
        self,
        query: sa.Select[*tuple[object, ...]],
        keys: Sequence[str],
        after: str | None,
        most: int,
        state: PictureState | None = None,
        beginnings: Sequence[str] = (),
    ) -> Page:
        with self._database.reading() as connection:
            which = having(connection, pictures.c.id, beginnings)
            columns = [pictures.c[key] if which.walking else _unindexed(pictures.c[key]) for key in keys]
            if state is not None:
                own = pictures.c.state if which.walking else _unindexed(pictures.c.state)
                query = query.where(own == state)
            if after is not None:
                query = query.where(sa.tuple_(*columns) < sa.tuple_(*_place(after, len(keys))))
            query = query.where(which.condition).order_by(*(column.desc() for column in columns))
            found = [_picture(row) for row in connection.execute(query.limit(most + 1)).mappings()]
        if len(found) <= most:
            return Page(found, None)
        return Page(found[:most], _cursor([getattr(found[most - 1], key) for key in keys]))


_KEYS: Mapping[Sort, tuple[str, ...]] = {
    "newest": ("created", "id"),
    "week": ("votes", "created", "id"),
    "month": ("votes", "created", "id"),
    "ever": ("votes", "created", "id"),
    "hall": ("hall", "id"),
}


def add_words(connection: sa.Connection, id: str, subject: str) -> None:
    """Let the search find a picture."""
    rows = [{"word": word, "picture": id} for word in sorted(words_of(subject))]
    if rows:
        connection.execute(sa.insert(words), rows)


def remove_words(connection: sa.Connection, id: str) -> None:
    """Hide a picture from the search."""
    connection.execute(sa.delete(words).where(words.c.picture == id))


def _all() -> sa.Select[*tuple[object, ...]]:
    return sa.select(pictures, recipes.c.toml).join(recipes, recipes.c.hash == pictures.c.recipe_hash)


def _picture(row: sa.RowMapping) -> Picture:
    values: dict[str, Any] = {**row, "prompts": tuple(row["prompts"])}
    return Picture(**values)


def _unindexed(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    """The same value, and no index to walk along: pictures are found by their ids."""
    return sa.func.coalesce(column, column)


def _cursor(values: Sequence[object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


def _place(cursor: str, length: int) -> list[float | str]:
    try:
        values = json.loads(base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)))
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, list) or not _fits(cast(list[object], values), length):
        raise CursorError("after: is no place in this list; start from its beginning")
    return cast(list[float | str], values)


def _fits(values: list[object], length: int) -> bool:
    numbers = all(
        isinstance(v, int | float) and not isinstance(v, bool) and abs(v) < 1e15 for v in values[:-1]
    )
    last = values[-1] if values else None
    # An id; other text may be such as a database does not take.
    return len(values) == length and numbers and isinstance(last, str) and last.isascii() and last.isalnum()
