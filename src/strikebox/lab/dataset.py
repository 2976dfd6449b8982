"""A folder of pictures of a style, training or held-out, with what is said of each.

Pictures are png, jpg, jpeg, webp, bmp, gif, tif and tiff, in the folder and in folders below it that are not
hidden. Captions stand in metadata.jsonl (file_name, text, and where known subject and slogan) or beside a
picture in <name>.txt. Other files are never opened.
"""

import json
import os
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from strikebox.errors import DatasetError
from strikebox.generation.backend import Pixels
from strikebox.lab import picture_file
from strikebox.lab.picture_file import SUFFIXES, Facts

METADATA = "metadata.jsonl"
MOST_SIDE = 1024  # pixels of the longer side, unless more is asked for
_LONGEST_CAPTION = 100_000  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetPicture:
    """A picture that can be read. What nobody says of it is None."""

    name: str  # path from the folder, with /
    path: Path
    sha256: str  # of the file, hex
    caption: str | None
    subject: str | None
    text: str | None  # its lettering: `slogan` in the metadata
    width: int
    height: int

    def pixels(self, most_side: int = MOST_SIDE) -> Pixels:
        """uint8 (height, width, 3) in sRGB, shrunk where its longer side exceeds `most_side`.

        Raises DatasetError where the file has become unreadable.
        """
        try:
            return picture_file.pixels(self.path, most_side)
        except DatasetError as error:
            raise DatasetError(f"{self.path}: {error}") from None


@dataclass(frozen=True, slots=True)
class Dataset:
    """The pictures of a folder, by name, each content once."""

    path: Path
    pictures: tuple[DatasetPicture, ...]
    problems: tuple[str, ...]  # one line each: what was left out, and what was read otherwise than expected
    repeats: tuple[tuple[str, str], ...] = ()  # files left out, and the file of the same content that is kept


def read(path: str | Path, on_progress: Callable[[int, int], None] = lambda done, of: None) -> Dataset:
    """Read a folder; each picture is decoded once, to know that it can be.

    What is wrong with a file is a line in `problems`, and the others are read. Raises DatasetError where the
    folder is missing, cannot be read, or holds no picture that can.
    """
    folder = Path(path)
    _check(folder)
    reading = _Reading(folder)
    files = list(reading.walk())
    for done, file in enumerate(files, start=1):
        reading.add(file)
        on_progress(done, len(files))
    if not reading.pictures:
        kinds = ", ".join(sorted(suffix[1:] for suffix in SUFFIXES))
        first = f"; {reading.problems[0]}" if reading.problems else ""
        raise DatasetError(f"{folder}: holds no picture that can be read; give a folder of {kinds}{first}")
    reading.name_missing()
    pictures, problems, repeats = reading.pictures.values(), reading.problems, reading.repeats
    return Dataset(folder, tuple(pictures), tuple(problems), tuple(repeats))


def _check(folder: Path) -> None:
    try:
        os.scandir(folder).close()
    except NotADirectoryError:
        raise DatasetError(f"{folder}: is a file; give the folder that holds the pictures") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise DatasetError(f"{folder}: cannot be read ({reason}); give a folder of pictures") from None


@dataclass(slots=True)
class _Reading:
    """What `read` knows while it reads."""

    folder: Path
    pictures: dict[str, DatasetPicture] = field(default_factory=dict[str, DatasetPicture])  # by hash
    problems: list[str] = field(default_factory=list[str])
    repeats: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    said: dict[str, Mapping[str, object]] = field(default_factory=dict[str, Mapping[str, object]])

    def walk(self) -> Iterator[Path]:
        """Picture files in order of their names; metadata is read on the way."""
        for root, folders, names in os.walk(self.folder, onerror=self._unreadable):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            if METADATA in names:
                self._read_metadata(Path(root) / METADATA)
            for name in sorted(names):
                if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                    yield Path(root) / name

    def add(self, file: Path) -> None:
        name, key = self._name(file), self._key(file)
        said = self.said.pop(key, {})
        try:
            if not os.path.isfile(file):
                raise DatasetError("is no file, or none that may be read; remove it, or what links to it")
            facts = picture_file.inspect(file)
        except DatasetError as error:
            self.problems.append(f"{name}: {error}")
            return
        if twin := self.pictures.get(facts.sha256):
            self.problems.append(f"{name}: is the very file of {twin.name}; it is counted once")
            self.repeats.append((name, twin.name))
            return
        self.problems += [f"{name}: {note}" for note in facts.notes]
        self.pictures[facts.sha256] = self._picture(file, facts, said)

    def name_missing(self) -> None:
        """One line for the pictures that metadata names and nobody found."""
        if self.said:
            first = _printable(next(iter(self.said)))
            self.problems.append(
                f"{METADATA}: names {len(self.said)} pictures that are not there, as {first}"
            )

    def _picture(self, file: Path, facts: Facts, said: Mapping[str, object]) -> DatasetPicture:
        caption = _words(said, "text")
        return DatasetPicture(
            name=self._name(file),
            path=file,
            sha256=facts.sha256,
            caption=self._caption_beside(file) if caption is None else caption,
            subject=_words(said, "subject"),
            text=_words(said, "slogan"),
            width=facts.width,
            height=facts.height,
        )

    def _caption_beside(self, file: Path) -> str | None:
        beside = file.with_suffix(".txt")
        if not os.path.isfile(beside):
            return None
        return (self._text(beside, _LONGEST_CAPTION) or "").strip() or None

    def _read_metadata(self, file: Path) -> None:
        for number, line in enumerate((self._text(file) or "").splitlines(), start=1):
            if not line.strip():
                continue
            row = _row(line)
            if row is None:
                place = f"{self._name(file)}: line {number}"
                self.problems.append(f'{place} is not of the form {{"file_name": ..., "text": ...}}')
            else:
                self.said[self._key(file.parent / cast(str, row["file_name"]))] = row

    def _text(self, file: Path, longest: int | None = None) -> str | None:
        try:
            if longest is not None and file.stat().st_size > longest:
                self.problems.append(f"{self._name(file)}: is too long for a caption; it is not read")
                return None
            return file.read_text("utf-8-sig")
        except OSError as error:
            self.problems.append(f"{self._name(file)}: cannot be read ({error.strerror})")
        except UnicodeDecodeError:
            self.problems.append(f"{self._name(file)}: is not UTF-8 text; save it as such")
        return None

    def _unreadable(self, error: OSError) -> None:
        place = self._name(Path(error.filename or self.folder))
        self.problems.append(f"{place}: cannot be read ({error.strerror}); what it holds is left out")

    def _name(self, file: Path) -> str:
        return _printable(file.relative_to(self.folder).as_posix())

    def _key(self, file: Path) -> str:
        """Some systems write one name in two ways: é as one character, or as two."""
        return unicodedata.normalize("NFC", os.path.relpath(file, self.folder))


def _row(line: str) -> Mapping[str, object] | None:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        return None
    named = isinstance(row, dict) and isinstance(cast(dict[str, object], row).get("file_name"), str)
    return cast(dict[str, object], row) if named else None


def _words(said: Mapping[str, object], key: str) -> str | None:
    value = said.get(key)
    return (value.strip() or None) if isinstance(value, str) else None


def _printable(name: str) -> str:
    """A name that fits in a line, whatever bytes it has."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in name)
