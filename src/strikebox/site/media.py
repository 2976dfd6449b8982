"""Files of pictures, each named by the SHA-256 of its bytes, in 256 folders.

Files are written before the rows that name them: what no row names is left over from a worker that died, and
swept when it is old enough not to belong to one that lives.
"""

import hashlib
import os
import re
import time
from collections.abc import Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from strikebox import files
from strikebox.errors import StoreError

_NAME = re.compile(r"[0-9a-f]{64}\.(png|webp)")
ORPHAN_AGE = 3600.0  # seconds; no worker takes longer from file to row


@dataclass(frozen=True, slots=True)
class Media:
    """A folder of files that never change."""

    folder: Path

    def put(self, data: bytes, kind: str) -> str:
        """Keep `data` of `kind` (png or webp); its name. Raises StoreError where that is not possible."""
        name = f"{hashlib.sha256(data).hexdigest()}.{kind}"
        path = self.path(name)
        if path.exists():
            with files.plain_errors("write", path):
                os.utime(path)  # young again, in case it is an orphan that a sweep is about to find
            return name
        files.make_folder(path.parent)
        files.write(path, data)
        return name

    def path(self, name: str) -> Path:
        """Where it is. Raises StoreError on what is no name, so that no path leads out of the folder."""
        if not _NAME.fullmatch(name):
            raise StoreError(f"{name!r} is no name of a media file; ask for one that a picture names")
        return self.folder / name[:2] / name

    def open(self, name: str) -> BinaryIO:
        """The file, to read. Raises StoreError where it is missing."""
        path = self.path(name)
        with files.plain_errors("read", path):
            return path.open("rb")

    def read(self, name: str) -> bytes:
        """Its bytes. Raises StoreError where it is missing or no longer what its name says."""
        data = files.read(self.path(name))
        if hashlib.sha256(data).hexdigest() != name.split(".")[0]:
            raise StoreError(f"{self.path(name)} is damaged; restore it from a backup")
        return data

    def sweep(self, kept: Set[str], older_than: float = ORPHAN_AGE) -> int:
        """Delete files that are not `kept` and older than so many seconds; how many."""
        deleted = 0
        for path in list(self._all()):
            if path.name not in kept and _age(path) > older_than:
                with files.plain_errors("delete", path):
                    path.unlink(missing_ok=True)
                deleted += 1
        return deleted

    def _all(self) -> Iterator[Path]:
        """Finished files, and unfinished ones of writers that were killed."""
        return (path for path in self.folder.glob("??/*") if path.is_file())


def _age(path: Path) -> float:
    try:
        return time.time() - path.stat().st_mtime
    except FileNotFoundError:  # another sweep was faster
        return 0.0
