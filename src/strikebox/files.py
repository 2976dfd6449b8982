"""Files that are whole or absent, and pictures named by their content.

A file is written under another name in its folder, synced, renamed, and the folder synced.
Readers need no lock, since no file is ever seen half-written. A writer that is killed leaves at most a
temporary file, which `sweep` removes.
"""

import errno
import hashlib
import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from strikebox.errors import StoreError

_UNFINISHED = ".part"
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def write(path: Path, data: bytes) -> None:
    """Put `data` at `path`, whole or not at all, and on the disk before this returns.

    Raises StoreError where the folder is missing or read-only or the disk full; nothing is left behind then.
    """
    unfinished = path.with_name(f".{secrets.token_hex(8)}{_UNFINISHED}")
    with plain_errors("write", path):
        try:
            _write_through(unfinished, data)
            os.replace(unfinished, path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise
        sync(path.parent)


def sync(path: Path) -> None:
    """The file or folder `path` is on the disk when this returns. Raises StoreError."""
    with plain_errors("write", path):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def read(path: Path) -> bytes:
    """The bytes at `path`. Raises StoreError where there is nothing to read."""
    with plain_errors("read", path):
        return path.read_bytes()


def make_folder(path: Path) -> None:
    """`path` and its parents. Raises StoreError where that is not possible."""
    with plain_errors("create", path):
        path.mkdir(parents=True, exist_ok=True)


def sweep(folder: Path) -> None:
    """Delete what killed writers have left in `folder`. Only for who writes there alone."""
    with plain_errors("sweep", folder):
        for unfinished in folder.glob(f".*{_UNFINISHED}"):
            unfinished.unlink()


@dataclass(frozen=True, slots=True)
class Pictures:
    """A folder of PNG files, each named by the SHA-256 of its bytes."""

    folder: Path

    def put(self, png: bytes) -> str:
        """Keep `png` and return its name, a hex SHA-256. Raises StoreError as `write` does."""
        name = hashlib.sha256(png).hexdigest()
        if not self.has(name):
            write(self.path(name), png)
        return name

    def has(self, name: str) -> bool:
        return self.path(name).exists()

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.png"

    def get(self, name: str) -> bytes:
        """The PNG called `name`. Raises StoreError where it is missing or no longer what its name says."""
        png = read(self.path(name))
        if hashlib.sha256(png).hexdigest() != name:
            raise StoreError(f"{self.path(name)} is damaged; delete it and run again")
        return png


@contextmanager
def plain_errors(doing: str, path: Path) -> Generator[None]:
    """Turn an OSError into a StoreError of one line that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise StoreError(f"cannot {doing} {path}: the disk is full; make room and run again") from error
        reason = error.strerror or str(error)
        access = "read" if doing == "read" else "written"
        what_to_do = f"give a path that exists and may be {access}"
        raise StoreError(f"cannot {doing} {path}: {reason}; {what_to_do}") from error


def _write_through(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
