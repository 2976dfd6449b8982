"""Keys for the operator's friends: each with a name and a daily quota. Secrets are kept as hashes alone."""

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import sqlalchemy as sa

from strikebox.jobs import Database
from strikebox.jobs.schema import api_keys

_PREFIX = "sk-strikebox-"  # so that a leaked one is recognised


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiKey:
    """A key, without its secret."""

    id: str
    name: str  # whose it is
    per_day: int  # pictures in 24 hours
    created: float  # seconds since 1970, UTC
    revoked: float | None

    @property
    def client(self) -> str:
        """The client that its orders count for."""
        return f"key:{self.id}"


@final
class ApiKeys:
    """The keys of a database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, per_day: int) -> str:
        """A new key; its secret, which is shown this once."""
        secret = _PREFIX + secrets.token_urlsafe(32)
        values = {"id": secrets.token_hex(8), "name": name, "hash": _hash(secret), "per_day": per_day}
        with self._database.writing() as connection:
            connection.execute(sa.insert(api_keys).values(created=self._database.now, **values))
        return secret

    def check(self, secret: str) -> ApiKey | None:
        """The key with this secret; None where there is none or it was revoked."""
        found = self._read(api_keys.c.hash == _hash(secret), api_keys.c.revoked.is_(None))
        return found[0] if found else None

    def all(self) -> Sequence[ApiKey]:
        """The oldest first, revoked ones too."""
        return self._read()

    def revoke(self, id: str) -> bool:
        """Whether there was such a key and it is now useless."""
        valid = (api_keys.c.id == id, api_keys.c.revoked.is_(None))
        with self._database.writing() as connection:
            changed = sa.update(api_keys).where(*valid).values(revoked=self._database.now)
            return connection.execute(changed).rowcount == 1

    def _read(self, *which: sa.ColumnElement[bool]) -> Sequence[ApiKey]:
        columns = [column for column in api_keys.c if column.name != "hash"]
        query = sa.select(*columns).where(*which).order_by(api_keys.c.created, api_keys.c.id)
        with self._database.reading() as connection:
            return [ApiKey(**row) for row in connection.execute(query).mappings()]


def _hash(secret: str) -> str:
    """Secrets have 256 random bits, so a plain hash is enough: there is nothing to guess."""
    return hashlib.sha256(secret.encode(errors="replace")).hexdigest()
