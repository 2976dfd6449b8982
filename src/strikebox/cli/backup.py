"""`strikebox backup` and `strikebox restore`."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from strikebox.cli import site_options

if TYPE_CHECKING:
    from strikebox.site.backup.manifest import Manifest


def backup(
    to: Annotated[
        Path, typer.Argument(help="Folder of the backup; one that is there is brought up to date.")
    ],
    config: site_options.Config = None,
) -> None:
    """Copy the site's rows, pictures and keys to TO, while it runs; pictures that are there stay.

    What the site deleted is deleted from the backup, too. TO holds the site's secrets: keep it as safe.
    """
    from strikebox.cli.console import watching
    from strikebox.site.backup import back_up

    settings = site_options.settings(config, None)
    with watching(quiet=False) as watch:
        made = back_up(settings, to, watch("pictures"))
    changed = f"{made.new:,} new ({_megabytes(made.bytes)}), {made.dropped:,} dropped"
    print(f"{to}: {_counted(made.manifest)}; {changed}")
    print(_window(made.manifest))


def restore(
    backup: Annotated[Path, typer.Argument(metavar="FROM", help="Folder that strikebox backup wrote.")],
    config: site_options.Config = None,
) -> None:
    """Put the site in FROM where the configuration says that it is; there must be none yet.

    The hash of every file is checked.
    """
    from strikebox.cli.console import watching
    from strikebox.site.backup import restore as put_back

    settings = site_options.settings(config, None)
    with watching(quiet=False) as watch:
        done = put_back(settings, backup, watch("pictures"))
    manifest, ago = done.manifest, time.time() - done.manifest.taken
    print(f"{settings.storage.folder}: {_counted(manifest)} ({_megabytes(done.bytes)}); every hash holds")
    print(_window(manifest))
    print(f"What came after {_time(manifest.taken)} is lost: {ago:,.0f} s until now.")


def _counted(manifest: "Manifest") -> str:
    return f"{sum(manifest.rows.values()):,} rows, {manifest.files:,} files of pictures"


def _window(manifest: "Manifest") -> str:
    """The youngest row against the moment of the backup."""
    if manifest.last_row is None:
        return f"As of {_time(manifest.taken)}; there are no rows."
    before = max(manifest.taken - manifest.last_row, 0.0)
    youngest = f"the youngest row is of {_time(manifest.last_row)}, {before:,.1f} s before"
    return f"As of {_time(manifest.taken)}; {youngest}."


def _megabytes(number: int) -> str:
    return f"{number / 1e6:,.1f} MB"


def _time(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
