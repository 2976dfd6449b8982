"""What a backup holds, as its manifest says it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, Self

from strikebox import files
from strikebox.errors import StoreError

Kind = Literal["sqlite", "postgresql"]

FORMAT = 1
_NAME = "manifest.json"
_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A file of the backup."""

    file: str  # its name, in the backup's folder
    sha256: str

    @classmethod
    def of(cls, path: Path) -> Self:
        return cls(file=path.name, sha256=hash_of(path))

    def within(self, folder: Path) -> Path:
        """The file, which is what it was. Raises StoreError."""
        path = folder / self.file
        if path.parent != folder or hash_of(path) != self.sha256:
            raise StoreError(f"{path}: is damaged; take another backup")
        return path


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Times are seconds since 1970, UTC, by the database's clock."""

    format: int
    version: str  # of the program
    kind: Kind
    taken: float  # as of when the rows are
    last_row: float | None  # when the youngest row was written; None: there are no rows
    rows: Mapping[str, int]  # by table
    database: Part
    pictures: Part
    files: int  # of pictures

    def write(self, folder: Path) -> None:
        """Raises StoreError."""
        files.write(folder / _NAME, (json.dumps(asdict(self), indent=1) + "\n").encode())

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises StoreError where there is no backup, or one that is not understood."""
        path = folder / _NAME
        try:
            said = json.loads(files.read(path))
            database, pictures = Part(**said.pop("database")), Part(**said.pop("pictures"))
            manifest = cls(database=database, pictures=pictures, **said)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise StoreError(f"{path}: is no manifest of a backup; take another one") from None
        if manifest.format != FORMAT:
            raise StoreError(
                f"{path}: has format {manifest.format}; restore it with the program that made it"
            )
        return manifest


def hash_of(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal. Raises StoreError."""
    digest = hashlib.sha256()
    with files.plain_errors("read", path), path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
