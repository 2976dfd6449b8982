"""`strikebox db`."""

from typing import TYPE_CHECKING, Annotated, final

import typer

from strikebox.cli import options, site_options

if TYPE_CHECKING:
    from collections.abc import Callable

    from strikebox.cli.console import Watch
    from strikebox.site.moving import Moved, Stores

app = typer.Typer(
    help="Look after a site's database and pictures: bring up to date, move, check.", no_args_is_help=True
)

Url = Annotated[
    str | None,
    typer.Argument(help="An SQLite file or postgresql://... Default: that of the configuration."),
]


@app.command("migrate")
def migrate(url: Url = None, config: site_options.Config = None) -> None:
    """Bring a database to the newest schema. A site does so by itself when it starts."""
    from strikebox.jobs.database import existing

    address = url or site_options.settings(config, None).database
    with existing(address) as database:
        before, after = database.migrate()
        print(f"{database.name}: {f'was at {after} already' if before == after else f'{before} -> {after}'}")


@app.command("copy")
def copy(
    source: Annotated[str, typer.Argument(help="The database to copy: an SQLite file or postgresql://...")],
    target: Annotated[str, typer.Argument(help="An empty database, or the copy that is to be gone on with.")],
    pictures: Annotated[
        tuple[str, str] | None,
        typer.Option(help="Copy files, too: their place and the new one, folders or s3://bucket/prefix."),
    ] = None,
    previews: Annotated[bool, typer.Option(help="Copy looks at pictures that are being made.")] = True,
    json: options.Json = False,
) -> None:
    """Move a site to another database, while it is served; again takes what is new. All is compared."""
    from strikebox.cli import console
    from strikebox.jobs import copying
    from strikebox.site import moving

    stores = None if pictures is None else _stores(*pictures)
    with (
        copying.source_of(source) as here,
        copying.target_of(target, here) as there,
        console.watching(quiet=json) as watch,
    ):
        bars = _Bars(watch)
        moved = moving.move(here, there, stores, with_previews=previews, on_progress=bars)
    _print_moved(moved, json)
    if moved.missing:
        raise typer.Exit(1)


@app.command("check")
def check(
    url: Url = None,
    pictures: Annotated[
        str | None, typer.Option(help="Place of the files. Default: that of the configuration, without URL.")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Ask only whether files are there.")] = False,
    config: site_options.Config = None,
    json: options.Json = False,
) -> None:
    """Say whether a database and its pictures' files are sound; changes nothing. Exit code 1: no."""
    from dataclasses import asdict

    from strikebox.cli import console
    from strikebox.jobs.database import existing
    from strikebox.site import checking
    from strikebox.site.media import open_media

    if url is None:
        settings = site_options.settings(config, None)
        url, pictures = settings.database, pictures or settings.pictures
    media = None if pictures is None else open_media(pictures, make=False)
    with existing(url) as database, console.watching(quiet=json) as watch:
        looked = list(checking.check(database, media, quick=quick, on_progress=_Bars(watch)))
    if json:
        console.print_json({"looked": [asdict(one) for one in looked]})
    else:
        for one in looked:
            print(f"{'ok ' if one.sound else 'BAD'}  {one.what}: {one.found}")
    if not all(one.sound for one in looked):
        raise typer.Exit(1)


@final
class _Bars:
    """A bar for each thing that is done, made when it begins."""

    def __init__(self, watch: "Watch") -> None:
        self._watch = watch
        self._bars: dict[str, Callable[[int, int], None]] = {}

    def __call__(self, what: str, done: int, of: int) -> None:
        if what not in self._bars:
            self._bars[what] = self._watch(what)
        self._bars[what](done, of)


def _stores(source: str, target: str) -> "Stores":
    from strikebox.site.media import open_media
    from strikebox.site.moving import Stores

    return Stores(open_media(source, make=False), open_media(target))


def _print_moved(moved: "Moved", json: bool) -> None:
    from strikebox.cli import console

    if json:
        from dataclasses import asdict

        console.print_json(asdict(moved))
        return
    for table in moved.tables:
        print(f"{table.table}: {table.digest.rows} rows, {table.changed} written, {table.digest.sha256[:16]}")
    if moved.files:
        print(f"files: {moved.files} verified, {moved.copied} copied")
    for fault in moved.missing:
        print(f"BAD  {fault}")
