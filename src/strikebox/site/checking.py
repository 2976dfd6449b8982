"""Whether a site is sound: its database, and the files that its pictures name."""

from collections.abc import Callable, Iterator

from strikebox.jobs import Database
from strikebox.jobs.soundness import Looked, look
from strikebox.site.media import Media, orphans
from strikebox.site.moving import count_names, fault_of, in_order, names
from strikebox.site.pictures import Pictures

OnProgress = Callable[[str, int, int], None]  # what is done, how many, of how many


def check(
    database: Database,
    media: Media | None,
    *,
    quick: bool = False,
    on_progress: OnProgress = lambda what, done, of: None,
) -> Iterator[Looked]:
    """What was looked at and found; files only with `media`, and not read where it is `quick`.

    Raises JobsError or StoreError where the site cannot be asked at all.
    """
    yield from look(database)
    if media is None:
        yield Looked("files", "not looked at: name their place with --pictures", True)
        return
    media.check()
    yield _files(database, media, quick, on_progress)
    count = sum(1 for _ in orphans(media, Pictures(database).needed))
    yield Looked("orphans", f"{count} files that no picture names; old ones are swept by workers", True)


def _files(database: Database, media: Media, quick: bool, on_progress: OnProgress) -> Looked:
    def fault(name: str) -> str | None:
        if quick:
            return None if media.has(name) else f"{media.address}/{name} is missing; restore it from a backup"
        return fault_of(media, name)

    faults, first, done = 0, "", 0
    with database.reading() as snapshot:
        total = count_names(snapshot)
        for done, (_, wrong) in enumerate(in_order(fault, names(snapshot)), start=1):
            if wrong is not None:
                faults, first = faults + 1, first or wrong
            on_progress("files", done, total)
    well = "there" if quick else "there and what their names say"
    return Looked("files", f"{done} {well}" if not faults else f"{faults} of {done}: {first}", not faults)
