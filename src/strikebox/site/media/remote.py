"""Files of pictures on a store that fsspec knows: S3, Google Cloud Storage, Azure, SFTP and so on.

Stores of objects put each whole or not at all. Others are written to under another name, then renamed.
"""

import secrets
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Any, final

from strikebox.errors import StoreError
from strikebox.site.media.contract import PIECE, checked, intact, name_of

_ATOMIC = {"abfs", "abfss", "adl", "az", "gcs", "gs", "memory", "s3", "s3a"}
_UNFINISHED = ".part"


@final
@dataclass(frozen=True, slots=True)
class Remote:
    """A folder of a store, as `Media` has it."""

    address: str
    system: Any  # fsspec's AbstractFileSystem, which has no types
    root: str  # path of the folder on the store, without a slash at its end

    def put(self, data: bytes, kind: str) -> str:
        """What is there is written again, with the same bytes: that makes it young, in one request."""
        name = name_of(data, kind)
        with self._plain("write", name):
            if _ATOMIC.isdisjoint(self._protocols):
                self._put_by_renaming(data, name)
            else:
                self.system.pipe_file(self._path(name), data)
        return name

    def has(self, name: str) -> bool:
        with self._plain("read", name):
            return bool(self.system.exists(self._path(checked(name))))

    def read(self, name: str) -> bytes:
        with self._plain("read", checked(name)):
            data = bytes(self.system.cat_file(self._path(name)))
        return intact(data, name, f"{self.address}/{name}")

    def pieces(self, name: str) -> Iterator[bytes]:
        """Most files are one piece, and one request."""
        first = self._piece(checked(name), 0)
        return iter([first]) if len(first) < PIECE else chain([first], self._rest(name))

    def local(self, name: str) -> None:
        checked(name)

    def listed(self, shard: str) -> Iterator[str]:
        with self._plain("list", shard):
            try:
                found: list[str] = self.system.ls(f"{self.root}/{shard}", detail=False)
            except FileNotFoundError:
                return
        for path in found:
            yield _listed(shard, path.rpartition("/")[2])

    def age(self, name: str) -> float:
        with self._plain("read", name):
            try:
                written: datetime = self.system.modified(self._path(name))
            except FileNotFoundError:
                return 0.0
        if written.tzinfo is None:
            written = written.replace(tzinfo=UTC)
        return (datetime.now(UTC) - written).total_seconds()

    def delete(self, name: str) -> None:
        with self._plain("delete", name):
            try:
                self.system.rm_file(self._path(name))
            except FileNotFoundError:
                return

    def check(self) -> None:
        self.has(f"{0:064x}.png")

    @property
    def _protocols(self) -> set[str]:
        protocol = self.system.protocol
        return {protocol} if isinstance(protocol, str) else set(protocol)

    def _piece(self, name: str, start: int) -> bytes:
        with self._plain("read", name):
            return bytes(self.system.cat_file(self._path(name), start=start, end=start + PIECE))

    def _rest(self, name: str) -> Iterator[bytes]:
        with self._plain("read", name):
            size = int(self.system.info(self._path(name))["size"])
        for start in range(PIECE, size, PIECE):
            yield self._piece(name, start)

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}" if "/" in name else f"{self.root}/{name[:2]}/{name}"

    def _put_by_renaming(self, data: bytes, name: str) -> None:
        unfinished = self._path(f"{name[:2]}/.{secrets.token_hex(8)}{_UNFINISHED}")
        self.system.makedirs(f"{self.root}/{name[:2]}", exist_ok=True)
        try:
            self.system.pipe_file(unfinished, data)
            self.system.mv(unfinished, self._path(name))
        except BaseException:
            if self.system.exists(unfinished):
                self.system.rm_file(unfinished)
            raise

    @contextmanager
    def _plain(self, doing: str, what: str) -> Generator[None]:
        """Errors of a store as one line: each library has its own, without a common base."""
        try:
            yield
        except StoreError:
            raise
        except FileNotFoundError as error:
            raise StoreError(
                f"cannot {doing} {self.address}/{what}: it is not there; restore it from a backup"
            ) from error
        except Exception as error:
            reason = " ".join(str(error).partition("Debug source")[0].split()) or type(error).__name__
            raise StoreError(
                f"cannot {doing} {self.address}/{what}: {reason}; see that the store answers and lets us in"
            ) from error


def _listed(shard: str, name: str) -> str:
    """Unfinished files bring their shard, since nothing in their names tells it."""
    return f"{shard}/{name}" if name.startswith(".") else name
