"""Backups are made: whole again each time, though only new pictures are copied."""

import heapq
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import filelock

from strikebox import files
from strikebox.errors import StoreError
from strikebox.png import program_version
from strikebox.site.backup import keys, postgresql, rows, sqlite
from strikebox.site.backup.manifest import FORMAT, Kind, Manifest, Part
from strikebox.site.media import Folder, Media, open_media
from strikebox.site.settings import Settings

OnProgress = Callable[[int, int], None]  # files that were looked at, and all of them
KINDS = {"sqlite": sqlite, "postgresql": postgresql}
MEDIA = "media"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A backup that was made."""

    manifest: Manifest
    new: int  # files of pictures that the backup did not have
    dropped: int  # files that no picture needs any more
    bytes: int  # of the new ones


def kind_of(database: str) -> Kind:
    """Of a database, by its address."""
    return "postgresql" if database.startswith("postgresql") else "sqlite"


def back_up(settings: Settings, folder: Path, on_progress: OnProgress = lambda done, of: None) -> Made:
    """Bring the backup in `folder` to this moment; an earlier one stays whole until this one is.

    Raises JobsError or StoreError. Where files of pictures are missing or damaged, it says so when all others
    are in the backup.
    """
    files.make_folder(folder)
    with files.plain_errors("write", folder):
        folder.chmod(0o700)
    try:
        with filelock.FileLock(folder / ".lock", timeout=0):
            return _back_up(settings, folder, on_progress)
    except filelock.Timeout:
        raise StoreError(f"{folder}: another backup is being written; wait for it") from None


def _back_up(settings: Settings, folder: Path, on_progress: OnProgress) -> Made:
    kind = kind_of(settings.database)
    copied, named = folder / ".database.part", folder / ".pictures.part"
    for old in (copied, named):
        old.unlink(missing_ok=True)
    facts, number = KINDS[kind].copy(settings.database, copied, named)
    source, target = open_media(settings.pictures), Folder(folder / MEDIA)
    new, size, bad = _copy(source, target, _watched(rows.read_names(named), number, on_progress))
    keys.copy(settings, folder)
    manifest = Manifest(
        format=FORMAT,
        version=program_version(),
        kind=kind,
        taken=facts.taken,
        last_row=facts.last_row,
        rows=facts.rows,
        database=_kept(copied, folder, "database", KINDS[kind].SUFFIX),
        pictures=_kept(named, folder, "pictures", ".txt"),
        files=number,
    )
    manifest.write(folder)
    made = Made(manifest=manifest, new=new, dropped=_tidy(folder, manifest), bytes=size)
    if bad:
        raise StoreError(
            f"{len(bad)} files of pictures are missing or damaged ({bad[0]}); all else is in {folder}; "
            "restore them from an earlier backup"
        )
    return made


def _copy(source: Media, target: Media, names: Iterable[str]) -> tuple[int, int, list[str]]:
    """Copy what is not there: how many files, their bytes, and what was wrong with others."""
    new = size = 0
    bad: list[str] = []
    for name in names:
        if target.has(name):
            continue
        try:
            data = source.read(name)
        except StoreError as error:
            bad.append(str(error))
            continue
        target.put(data, name.rpartition(".")[2])
        new, size = new + 1, size + len(data)
    return new, size, bad


def _kept(unfinished: Path, folder: Path, name: str, suffix: str) -> Part:
    """Give a finished file the name of its content."""
    files.sync(unfinished)
    part = Part.of(unfinished)
    path = folder / f"{name}-{part.sha256[:16]}{suffix}"
    with files.plain_errors("write", path):
        unfinished.replace(path)
    return Part(file=path.name, sha256=part.sha256)


def _tidy(folder: Path, manifest: Manifest) -> int:
    """Delete earlier copies, and files of pictures that the site deleted; how many of these."""
    current = {manifest.database.file, manifest.pictures.file}
    with files.plain_errors("delete", folder):
        for path in (*folder.glob("database-*"), *folder.glob("pictures-*")):
            if path.name not in current:
                path.unlink()
    return sum(
        _drop(folder / MEDIA / shard, set(names))
        for shard, names in groupby(_all(folder, manifest), lambda name: name[:2])
    )


def _drop(shard: Path, kept: set[str]) -> int:
    """Delete the files in one folder of pictures that are not `kept`; how many."""
    with files.plain_errors("delete", shard):
        unwanted = [path for path in shard.glob("*") if path.name not in kept]
        for path in unwanted:
            path.unlink()
    return len(unwanted)


def _all(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Names that are needed, in order; of folders that need none, a name that no file has."""
    needed = rows.read_names(folder / manifest.pictures.file)
    empty = (f"{path.name}/" for path in sorted((folder / MEDIA).glob("??")))
    yield from heapq.merge(needed, empty)


def _watched(names: Iterator[str], number: int, on_progress: OnProgress) -> Iterator[str]:
    for done, name in enumerate(names):
        on_progress(done, number)
        yield name
    on_progress(number, number)
