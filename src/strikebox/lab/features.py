"""Features and readings kept by the hash of their picture: what was looked at once is not looked at again.

    features/<name>-<start of version>/<sha256>.npz    hashes of up to 256 pictures and their features
    features/<name>-<start of version>/<sha256>.json   hashes of up to 256 pictures and what was read in each

A file is never changed: any number of processes may share a folder, and memory and writing do not grow with
the number of pictures.
"""

import hashlib
import io
import json
import re
import struct
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Generic, TypeVar, final

import numpy as np

from strikebox import files
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Extractor, Feature, Reader, Reading, Word

BATCH = 32  # pictures in memory at a time
_SAVE_EVERY = 8 * BATCH  # pictures that a kill loses at most

Pictures = Mapping[str, Callable[[], Pixels]]  # hash of a picture's file -> its pixels, loaded when called
OnProgress = Callable[[int, int], None]  # pictures done, of how many
T = TypeVar("T")

# What numpy, zipfile and json raise of bytes that are not what was written.
_DAMAGE = (
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    EOFError,
    RuntimeError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
)


def _silent(done: int, of: int) -> None:
    pass


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What one version of an extractor or reader found in pictures, by their hash."""

    name: str
    version: str
    features: Mapping[str, Feature] = field(default_factory=dict[str, Feature])
    readings: Mapping[str, Reading] = field(default_factory=dict[str, Reading])


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """What is known of pictures, in `folder`/features."""

    folder: Path

    def features(
        self, extractor: Extractor, pictures: Pictures, on_progress: OnProgress = _silent
    ) -> dict[str, Feature]:
        """Features of `pictures`, by hash, in their order; only those not known yet are computed.

        What was computed is on the disk before this returns or raises. Raises StoreError where it cannot be
        written, and whatever loading or extracting raises.
        """
        shelf = _Features(self._place(extractor.name, extractor.version), extractor.version)
        return _complete(shelf, extractor, pictures, on_progress)

    def readings(
        self, reader: Reader, pictures: Pictures, on_progress: OnProgress = _silent
    ) -> dict[str, Reading]:
        """What `reader` finds in `pictures`, as `features` does."""
        shelf = _Readings(self._place(reader.name, reader.version), reader.version)
        return _complete(shelf, reader, pictures, on_progress)

    def keep(self, seen: "Seen") -> None:
        """Keep what was seen elsewhere. Raises StoreError."""
        place = self._place(seen.name, seen.version)
        if seen.features:
            _Features(place, seen.version).save(seen.features)
        if seen.readings:
            _Readings(place, seen.version).save(seen.readings)

    def _place(self, name: str, version: str) -> Path:
        return self.folder / "features" / re.sub(r"[^\w.-]", "_", f"{name}-{version[:16]}")


def _complete(
    shelf: "_Shelf[T]",
    look: Callable[[Sequence[Pixels]], list[T]],
    pictures: Pictures,
    on_progress: OnProgress,
) -> dict[str, T]:
    known = shelf.load(pictures)
    missing = [key for key in pictures if key not in known]
    unsaved: dict[str, T] = {}
    on_progress(len(known), len(pictures))
    try:
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            new = dict(zip(batch, look([pictures[key]() for key in batch]), strict=True))
            known |= new
            unsaved |= new
            if len(unsaved) >= _SAVE_EVERY:
                shelf.save(unsaved)
                unsaved = {}
            on_progress(len(known), len(pictures))
    finally:
        if unsaved:
            shelf.save(unsaved)
    return {key: known[key] for key in pictures}


@dataclass(frozen=True, slots=True)
class _Shelf(ABC, Generic[T]):
    """Files of one version of one extractor."""

    place: Path
    version: str  # all of it; the folder's name has its start alone

    def load(self, wanted: Iterable[str]) -> dict[str, T]:
        """What is known of `wanted`. A damaged file is deleted, so that what it held is computed again."""
        known, keys = dict[str, T](), frozenset(wanted)
        for path in sorted(self.place.glob(f"*{self._suffix}")):
            data = files.read(path)
            try:
                known |= self._read(data, keys)
            except _DAMAGE:
                with suppress(OSError):
                    path.unlink()
        return known

    def save(self, values: Mapping[str, T]) -> None:
        """Keep `values`. Raises StoreError."""
        files.make_folder(self.place)
        name = hashlib.sha256("\n".join([self.version, *values]).encode()).hexdigest()
        files.write(self.place / f"{name}{self._suffix}", self._written(values))

    @property
    @abstractmethod
    def _suffix(self) -> str: ...

    @abstractmethod
    def _read(self, data: bytes, wanted: frozenset[str]) -> dict[str, T]:
        """Those of `wanted` that a file holds; none where it is of another version. Raises of _DAMAGE."""

    @abstractmethod
    def _written(self, values: Mapping[str, T]) -> bytes: ...


@final
@dataclass(frozen=True, slots=True)
class _Features(_Shelf[Feature]):
    @property
    def _suffix(self) -> str:
        return ".npz"

    def _read(self, data: bytes, wanted: frozenset[str]) -> dict[str, Feature]:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            keys = [str(key) for key in arrays["hashes"]]
            if str(arrays["version"]) != self.version or wanted.isdisjoint(keys):
                return {}
            values: Feature = arrays["values"].astype(np.float32, copy=False)
        return {key: value for key, value in zip(keys, values, strict=True) if key in wanted}

    def _written(self, values: Mapping[str, Feature]) -> bytes:
        buffer = io.BytesIO()
        stacked = np.stack([np.asarray(value, np.float32) for value in values.values()])
        np.savez(buffer, version=np.array(self.version), hashes=np.array(list(values)), values=stacked)
        return buffer.getvalue()


@final
@dataclass(frozen=True, slots=True)
class _Readings(_Shelf[Reading]):
    @property
    def _suffix(self) -> str:
        return ".json"

    def _read(self, data: bytes, wanted: frozenset[str]) -> dict[str, Reading]:
        content: dict[str, Any] = json.loads(data)
        if content["version"] != self.version:
            return {}
        return {key: _reading(words) for key, words in content["readings"].items() if key in wanted}

    def _written(self, values: Mapping[str, Reading]) -> bytes:
        readings = {key: [asdict(word) for word in reading.words] for key, reading in values.items()}
        return json.dumps({"version": self.version, "readings": readings}, ensure_ascii=False).encode()


def _reading(words: Iterable[Mapping[str, Any]]) -> Reading:
    return Reading(tuple(_word(**word) for word in words))


def _word(text: str, confidence: float, box: Sequence[float]) -> Word:
    left, top, right, bottom = box
    return Word(text=text, confidence=confidence, box=(left, top, right, bottom))
