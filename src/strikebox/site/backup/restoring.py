"""Backups are restored where no site is: pictures first, rows last, so that it can be begun again."""

from dataclasses import dataclass
from pathlib import Path

from strikebox.errors import JobsError, StoreError
from strikebox.site.backup import keys, rows
from strikebox.site.backup.making import KINDS, MEDIA, OnProgress, kind_of
from strikebox.site.backup.manifest import Manifest
from strikebox.site.media import Folder, open_media
from strikebox.site.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """A site that is there again."""

    manifest: Manifest
    bytes: int  # of pictures


def restore(settings: Settings, folder: Path, on_progress: OnProgress = lambda done, of: None) -> Restored:
    """Put the site in `folder` where the settings look for it; the SHA-256 of every file is checked.

    Raises StoreError where the backup is damaged, JobsError where there is a site already.
    """
    manifest = Manifest.read(folder)
    kind = kind_of(settings.database)
    if kind != manifest.kind:
        raise JobsError(
            f"{folder}: is a backup of {_SPOKEN[manifest.kind]}, and storage.database names "
            f"{_SPOKEN[kind]}; restore into the same kind"
        )
    engine, copied = KINDS[kind], manifest.database.within(folder)
    engine.refuse_rows(settings.database)
    size = _copy(settings, folder, manifest, on_progress)
    keys.restore(settings, folder)
    found = engine.restore(copied, settings.database)
    if found != manifest.rows:
        raise StoreError(f"{folder}: its rows are not those that its manifest counts; take another backup")
    return Restored(manifest=manifest, bytes=size)


_SPOKEN = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}


def _copy(settings: Settings, folder: Path, manifest: Manifest, on_progress: OnProgress) -> int:
    source, target = Folder(folder / MEDIA), open_media(settings.pictures)
    size = 0
    for done, name in enumerate(rows.read_names(manifest.pictures.within(folder))):
        on_progress(done, manifest.files)
        data = source.read(name)
        target.put(data, name.rpartition(".")[2])
        size += len(data)
    on_progress(manifest.files, manifest.files)
    return size
