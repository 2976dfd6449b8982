"""The folder of a run.

    run.json                     what the run is: format, design, model, LoRA, settings
    design.toml, recipes/*.toml  copies, so that a run can be read without what it was made from
    pictures/<sha256>.png        named by the hash of the file
    cells/<cell key>.json        a finished cell: its picture and its cost; written after the picture
    latents/<segment key>.npz    finished segments that unfinished cells still need, with seconds so far
    spent.json                   seconds of generation in all, over every resumption

Whoever writes holds the folder's lock; readers need none.
"""

import io
import json
import zipfile
from collections.abc import Generator, Mapping, Set
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from textwrap import shorten
from typing import TypeVar, cast

import filelock
import numpy as np
from numpy.typing import NDArray

from strikebox import files
from strikebox.errors import RunError
from strikebox.files import Pictures

FORMAT = 1
_MANIFEST = "run.json"
_SPENT = "spent.json"
_FOLDERS = ("recipes", "pictures", "cells", "latents")

JsonObject = Mapping[str, object]
_Record = TypeVar("_Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """What makes a run this run and no other, as JSON; a folder holds the cells of one identity."""

    design: JsonObject
    model: JsonObject
    lora: JsonObject | None
    settings: JsonObject


@dataclass(frozen=True, slots=True, kw_only=True)
class CellRecord:
    """A finished cell. Its cost is that of the cell alone, as if nothing had been shared."""

    key: str
    recipe: str  # name
    subject: str
    seed: int
    prompts: tuple[str, ...]  # one a pass
    picture: str  # name in `pictures`
    forwards: int
    flops: int
    seconds: float


@dataclass(frozen=True, slots=True)
class KeptLatents:
    """Latents at the end of a segment, and the seconds that one picture took to come so far."""

    latents: NDArray[np.float32]
    seconds: float


@dataclass(frozen=True, slots=True)
class RunFolder:
    """The files of one run. Reading is free to all; writing is for who came through `writing`."""

    path: Path

    @property
    def pictures(self) -> Pictures:
        return Pictures(self.path / "pictures")

    def identity(self) -> Identity:
        """What the run is. Raises RunError where this is not a run's folder, or one of another format."""
        manifest = self.path / _MANIFEST
        if not manifest.exists():
            raise RunError(f"{self.path} holds no {_MANIFEST}; give the folder of a run")
        content = dict(_parse(manifest))
        if (found := content.pop("format", None)) != FORMAT:
            raise RunError(f"{manifest} has format {found}, this version reads {FORMAT}; give another folder")
        return _known(Identity, content, manifest)

    def cells(self) -> dict[str, CellRecord]:
        """Finished cells by key; one whose picture was deleted is not finished."""
        records = (_cell_record(path) for path in sorted((self.path / "cells").glob("*.json")))
        return {record.key: record for record in records if self.pictures.has(record.picture)}

    def write_cell(self, record: CellRecord) -> None:
        """Mark a cell as finished; its picture must be in the store already."""
        files.write(self.path / "cells" / f"{record.key}.json", _json(asdict(record)))

    def kept(self) -> set[str]:
        """Keys of the segments whose latents can be read; what cannot is deleted, to be computed again."""
        keys: set[str] = set()
        for path in (self.path / "latents").glob("*.npz"):
            try:
                self.read_latents(path.stem)
                keys.add(path.stem)
            except (ValueError, EOFError, KeyError, zipfile.BadZipFile):
                self.drop_latents(path.stem)
        return keys

    def read_latents(self, key: str) -> KeptLatents:
        """What `write_latents` kept. Raises StoreError where it is missing."""
        path = self._latents(key)
        with files.plain_errors("read", path), np.load(path, allow_pickle=False) as arrays:
            return KeptLatents(arrays["latents"], float(arrays["seconds"]))

    def write_latents(self, key: str, kept: KeptLatents) -> None:
        """Keep a finished segment. Raises StoreError as `files.write` does."""
        buffer = io.BytesIO()
        np.savez(buffer, latents=kept.latents, seconds=np.float64(kept.seconds))
        files.write(self._latents(key), buffer.getvalue())

    def drop_latents(self, key: str) -> None:
        """Forget a segment that nothing needs any more."""
        path = self._latents(key)
        with files.plain_errors("delete", path):
            path.unlink(missing_ok=True)

    def _latents(self, key: str) -> Path:
        return self.path / "latents" / f"{key}.npz"

    def seconds(self) -> float:
        """Seconds of generation that the run has taken so far, over every resumption."""
        path = self.path / _SPENT
        return cast(float, _parse(path)["seconds"]) if path.exists() else 0.0

    def spend(self, seconds: float) -> None:
        """Add to the seconds of generation."""
        files.write(self.path / _SPENT, _json({"seconds": self.seconds() + seconds}))


@contextmanager
def writing(path: Path, identity: Identity, copies: Mapping[str, str]) -> Generator[RunFolder]:
    """Start the run `identity` in `path`, or go on with it; nobody else may write there meanwhile.

    `copies` maps names of files to their text; they are written when the run starts.
    Raises RunError where the folder belongs to something else or is in use, StoreError where it cannot be
    written.
    """
    _refuse_strange(path, {*_FOLDERS, *copies})
    files.make_folder(path)
    with _locked(path):
        for folder in (path, *(path / name for name in _FOLDERS)):
            files.make_folder(folder)
            files.sweep(folder)
        run = RunFolder(path)
        if (path / _MANIFEST).exists():
            _refuse_other(run, identity)
        else:
            _start(run, identity, copies)
        yield run


def _start(run: RunFolder, identity: Identity, copies: Mapping[str, str]) -> None:
    for name, text in copies.items():
        files.write(run.path / name, text.encode())
    # Last, so that a run with a manifest has all its copies.
    files.write(run.path / _MANIFEST, _json({"format": FORMAT, **asdict(identity)}))


def _refuse_strange(path: Path, ours: Set[str]) -> None:
    if not path.is_dir() or (path / _MANIFEST).exists():
        return
    with files.plain_errors("read", path):
        names = {entry.name for entry in path.iterdir() if not entry.name.startswith(".")}
    if strange := names - ours:
        raise RunError(f"{path} holds {min(strange)} and no {_MANIFEST}; give a new or empty folder")


def _refuse_other(run: RunFolder, identity: Identity) -> None:
    there, here = _flat(asdict(run.identity())), _flat(json.loads(_json(asdict(identity))))
    differing = sorted(key for key in there.keys() | here.keys() if there.get(key) != here.get(key))
    if differing:
        more = f" (and {len(differing) - 1} more)" if len(differing) > 1 else ""
        key = differing[0]
        raise RunError(
            f"{run.path} belongs to another run: {key} is {_brief(there.get(key))} there, "
            f"{_brief(here.get(key))} here{more}; give another folder, or the same design, model, LoRA and "
            "settings"
        )


def _brief(value: object) -> str:
    return shorten(repr(value), 60, placeholder=" ...")


def _flat(value: object, name: str = "") -> dict[str, object]:
    if not isinstance(value, dict) or not value:
        return {name: value}
    items = cast(dict[str, object], value).items()
    return {k: v for key, inner in items for k, v in _flat(inner, f"{name}.{key}" if name else key).items()}


@contextmanager
def _locked(path: Path) -> Generator[None]:
    lock = filelock.FileLock(path / ".lock", timeout=0)
    with files.plain_errors("lock", path):
        try:
            lock.acquire()
        except filelock.Timeout:
            raise RunError(f"{path} is in use by another process; wait, or give another folder") from None
    try:
        yield
    finally:
        lock.release()


def _cell_record(path: Path) -> CellRecord:
    content = dict(_parse(path))
    content["prompts"] = tuple(cast(list[str], content.get("prompts", ())))
    return _known(CellRecord, content, path)


def _known(kind: type[_Record], content: JsonObject, path: Path) -> _Record:
    try:
        return kind(**content)
    except TypeError:
        raise RunError(f"{path} was not written by this version; give another folder") from None


def _parse(path: Path) -> JsonObject:
    try:
        return cast(JsonObject, json.loads(files.read(path)))
    except (ValueError, RecursionError):
        raise RunError(f"{path} is damaged; delete it and run again") from None


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
