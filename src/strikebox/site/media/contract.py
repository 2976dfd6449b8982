"""What pages, workers and the house ask of the place where files are."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from strikebox.errors import StoreError

SHARDS: Sequence[str] = tuple(f"{number:02x}" for number in range(256))  # folders, by how names begin

PIECE = 1024 * 1024  # bytes that are in memory while a file is sent

_NAME = re.compile(r"[0-9a-f]{64}\.(png|webp)")


class Media(Protocol):
    """Files that never change. Every method raises StoreError where the place fails."""

    @property
    def address(self) -> str:
        """Where it is, without secrets: a folder, or the address of a store."""
        ...

    def put(self, data: bytes, kind: str) -> str:
        """Keep `data` of `kind` (png or webp), whole or not at all; its name. A known one is young again."""
        ...

    def has(self, name: str) -> bool:
        """Whether it is there, whole or damaged."""
        ...

    def read(self, name: str) -> bytes:
        """Its bytes. Raises StoreError where it is missing or no longer what its name says."""
        ...

    def pieces(self, name: str) -> Iterator[bytes]:
        """Its bytes, a piece at a time, unproved. Raises StoreError at once where it is missing."""
        ...

    def local(self, name: str) -> Path | None:
        """The file on this machine, there or not; None: it is elsewhere."""
        ...

    def listed(self, shard: str) -> Iterator[str]:
        """Names of all files of a shard, unfinished ones of writers that were killed too; in any order."""
        ...

    def age(self, name: str) -> float:
        """Seconds since a listed file was written; 0 where it is gone."""
        ...

    def delete(self, name: str) -> None:
        """Remove a listed file; one that is gone is no error."""
        ...

    def check(self) -> None:
        """Raises StoreError where it cannot be asked for files."""
        ...


def name_of(data: bytes, kind: str) -> str:
    return f"{hashlib.sha256(data).hexdigest()}.{kind}"


def checked(name: str) -> str:
    """`name` itself. Raises StoreError on what is no name, so that no path leads out of the place."""
    if not _NAME.fullmatch(name):
        raise StoreError(f"{name!r} is no name of a media file; ask for one that a picture names")
    return name


def intact(data: bytes, name: str, where: object) -> bytes:
    """`data` itself. Raises StoreError where it is not what its name says."""
    if hashlib.sha256(data).hexdigest() != name.split(".")[0]:
        raise StoreError(f"{where} is damaged; restore it from a backup")
    return data
