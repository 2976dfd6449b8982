"""What a site signs with: the secret of its cookies, and the certificate and key of its pictures."""

from collections.abc import Iterator
from pathlib import Path

from strikebox import files
from strikebox.errors import StoreError
from strikebox.site.settings import Settings

_SECRET = "secret"
_FOLDER = "provenance"


def copy(settings: Settings, folder: Path) -> None:
    """Put copies of the site's own into the backup's `folder`. Raises StoreError."""
    for name, place in _places(settings, _names(settings.storage.folder / _FOLDER)):
        if place.is_file():
            write(folder / name, files.read(place))


def restore(settings: Settings, folder: Path) -> None:
    """Put the copies in `folder` where the site looks for them. Raises StoreError where others are there."""
    for name, place in _places(settings, _names(folder / _FOLDER)):
        if not (folder / name).is_file():
            continue
        content = files.read(folder / name)
        if place.exists() and files.read(place) != content:
            raise StoreError(f"{place}: belongs to another site; restore into a folder that holds none")
        write(place, content)


def write(path: Path, content: bytes) -> None:
    """Nobody else may read it."""
    files.make_folder(path.parent)
    files.write(path, content)
    path.chmod(0o600)


def _places(settings: Settings, names: Iterator[str]) -> Iterator[tuple[str, Path]]:
    """Names in a backup, and where the site has them."""
    yield _SECRET, settings.site.secret_file or settings.storage.folder / _SECRET
    for name in names:
        yield f"{_FOLDER}/{name}", settings.storage.folder / _FOLDER / name


def _names(folder: Path) -> Iterator[str]:
    if folder.is_dir():
        yield from sorted(path.name for path in folder.iterdir() if path.is_file())
