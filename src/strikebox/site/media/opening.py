"""From an address to the place of the files."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from strikebox import files
from strikebox.errors import StoreError
from strikebox.site.media.contract import Media
from strikebox.site.media.folder import Folder
from strikebox.site.media.remote import Remote

_CLOUDS = {"abfs", "abfss", "adl", "az", "gcs", "gs", "s3", "s3a"}
_RETRIES: dict[str, Any] = {"max_retries": 2, "retry_timeout": timedelta(seconds=10)}
_PATIENCE: dict[str, Any] = {"connect_timeout": "3s", "timeout": "15s"}


def open_media(place: str | Path, *, make: bool = True) -> Media:
    """A folder, or a store by the address that fsspec knows it by; `make`: a missing folder is made.

    Keys and endpoints come from the environment (AWS_ACCESS_KEY_ID, AWS_ENDPOINT_URL and so on).
    Raises StoreError where there is no such store, or what talks to it is not installed.
    """
    if isinstance(place, Path) or "://" not in place:
        return _folder(Path(place).expanduser(), make)
    parts = urlsplit(place)
    if parts.scheme == "file":
        return _folder(Path(unquote(parts.path)), make)
    if parts.password is not None:
        raise StoreError(f"{parts.scheme}://...: holds a password; give keys in the environment")
    system = _cloud(parts.scheme) if parts.scheme in _CLOUDS else None
    return _remote(place.rstrip("/"), system or _other(parts.scheme))


def _folder(path: Path, make: bool) -> Folder:
    if make:
        files.make_folder(path)
    elif not path.is_dir():
        raise StoreError(f"{path}: is no folder; give the place of a site's pictures")
    return Folder(path)


def _remote(address: str, system: Any) -> Remote:
    return Remote(address, system, str(system._strip_protocol(address)).rstrip("/"))


def _cloud(protocol: str) -> Any:
    """By obstore: one package without others, whose waits are bounded. None where it is not installed."""
    try:
        from obstore.fsspec import FsspecStore
    except ImportError:
        return None
    plain = os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://")
    options: dict[str, Any] = {**_PATIENCE, "allow_http": plain}
    store: Any = FsspecStore
    asked: dict[str, Any] = {"client_options": options, "retry_config": _RETRIES}
    return store(protocol.replace("s3a", "s3"), **asked, skip_instance_cache=True)


def _other(protocol: str) -> Any:
    import fsspec  # pyright: ignore[reportMissingTypeStubs]

    known: Any = fsspec
    try:
        return known.filesystem(protocol, use_listings_cache=False)
    except (ImportError, ValueError) as error:
        needs = "install strikebox[s3]" if protocol in _CLOUDS else f"it needs what fsspec asks for ({error})"
        raise StoreError(f"{protocol}://: no store of this kind can be used here; {needs}") from None
