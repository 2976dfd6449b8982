"""Files of pictures in 256 folders of this machine."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, final

from strikebox import files
from strikebox.errors import StoreError
from strikebox.site.media.contract import PIECE, checked, intact, name_of


@final
@dataclass(frozen=True, slots=True)
class Folder:
    """A folder of files that never change, as `Media` has it."""

    folder: Path

    @property
    def address(self) -> str:
        return str(self.folder)

    def put(self, data: bytes, kind: str) -> str:
        name = name_of(data, kind)
        path = self.path(name)
        if path.exists():
            with files.plain_errors("write", path):
                os.utime(path)  # in case it is an orphan that a sweep is about to find
            return name
        files.make_folder(path.parent)
        files.write(path, data)
        return name

    def path(self, name: str) -> Path:
        """Where it is. Raises StoreError on what is no name."""
        return self._place(checked(name))

    def has(self, name: str) -> bool:
        return self.path(name).is_file()

    def read(self, name: str) -> bytes:
        path = self.path(name)
        return intact(files.read(path), name, path)

    def pieces(self, name: str) -> Iterator[bytes]:
        path = self.path(name)
        with files.plain_errors("read", path):
            file = path.open("rb")
        return _pieces(file)

    def local(self, name: str) -> Path:
        return self.path(name)

    def listed(self, shard: str) -> Iterator[str]:
        folder = self.folder / shard
        if not folder.is_dir():
            return
        with files.plain_errors("read", folder), os.scandir(folder) as entries:
            for entry in entries:
                yield entry.name if not entry.name.startswith(".") else f"{shard}/{entry.name}"

    def age(self, name: str) -> float:
        path = self._place(name)
        try:
            return time.time() - path.stat().st_mtime
        except FileNotFoundError:  # another sweep was faster
            return 0.0

    def delete(self, name: str) -> None:
        path = self._place(name)
        with files.plain_errors("delete", path):
            path.unlink(missing_ok=True)

    def check(self) -> None:
        if not os.access(self.folder, os.R_OK | os.W_OK | os.X_OK):
            raise StoreError(f"{self.folder}: cannot be read and written; see that it is there and yours")

    def _place(self, name: str) -> Path:
        """Unfinished files bring their shard, since nothing in their names tells it."""
        return self.folder / name if "/" in name else self.folder / name[:2] / name


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
