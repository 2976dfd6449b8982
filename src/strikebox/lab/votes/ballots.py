"""Votes on the disk: votes.jsonl in a run's folder, one line a vote, written to the end and never changed.

A line is {"vote": {...}}, or {"undo": id} where somebody took a vote back. A line that a crash cut short is
the last one; it is left out, and removed before the next is written.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, cast

import filelock

from strikebox import files
from strikebox.errors import RunError

FILE = "votes.jsonl"

Choice = Literal["left", "right", "tie"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ballot:
    """One answer to "which of the two?"."""

    id: str
    rater: str
    question: str  # what was asked, with {subject}
    subject: str
    seed: int
    left: str  # name of the recipe
    right: str
    choice: Choice
    repeat_of: str | None  # id of the ballot whose pair this one shows again, sides swapped
    seconds: float  # from question to answer
    at: str  # UTC, ISO 8601


@dataclass(frozen=True, slots=True)
class BallotBox:
    """The votes of a run. Several processes may write at once."""

    folder: Path

    @property
    def path(self) -> Path:
        return self.folder / FILE

    def ballots(self) -> tuple[Ballot, ...]:
        """All votes that were not taken back, in the order in which they were cast.

        Raises RunError where a line but the last is damaged, StoreError where the file cannot be read.
        """
        if not self.path.exists():
            return ()
        kept: dict[str, Ballot] = {}
        for number, line in enumerate(_whole_lines(files.read(self.path)), start=1):
            entry = _entry(line, f"{self.path}, line {number}")
            if isinstance(entry, Ballot):
                kept[entry.id] = entry
            else:
                kept.pop(entry, None)
        return tuple(kept.values())

    def cast(self, ballot: Ballot) -> None:
        """Keep a vote; it is on the disk when this returns. Raises StoreError."""
        self._append({"vote": asdict(ballot)})

    def undo(self, ballot: Ballot) -> None:
        """Take a vote back. Raises StoreError."""
        self._append({"undo": ballot.id})

    def _append(self, content: Mapping[str, object]) -> None:
        line = json.dumps(content, ensure_ascii=False).encode() + b"\n"
        lock = filelock.FileLock(self.folder / ".votes.lock", timeout=10)
        with files.plain_errors("write", self.path), lock:
            if not self.path.exists():
                files.write(self.path, b"")  # so that its name, too, is on the disk
            _write_through(self.path, line)


def new_id() -> str:
    """A name for a ballot that no other has."""
    return secrets.token_hex(8)


def now() -> str:
    """The time, as ballots have it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def _whole_lines(content: bytes) -> list[bytes]:
    """Lines without their ends; the last, where it has none, counts only if it can be read."""
    *whole, last = content.split(b"\n")
    return [*whole, last] if _parses(last) else whole


def _parses(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _entry(line: bytes, place: str) -> Ballot | str:
    """A ballot, or the id of one that was taken back."""
    if not _parses(line):
        raise RunError(f"{place} is damaged; delete that line")
    content = cast(dict[str, Any], json.loads(line))
    match content:
        case {"undo": str(undone)}:
            return undone
        case {"vote": dict()}:
            try:
                return Ballot(**content["vote"])
            except TypeError:
                pass
        case _:
            pass
    raise RunError(f"{place} was not written by this version; move the file away to vote anew")


def _write_through(path: Path, line: bytes) -> None:
    """Write `line` after the last whole one, and sync; what cannot be written whole is taken back."""
    content = files.read(path)
    end = content.rfind(b"\n") + 1
    whole = len(content) if _parses(content[end:]) else end
    with path.open("r+b", buffering=0) as file:
        try:
            file.truncate(whole)
            file.seek(whole)
            _write(file.fileno(), (b"\n" if whole > end else b"") + line)
        except OSError:
            file.truncate(whole)
            raise
        os.fsync(file.fileno())


def _write(descriptor: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]
