"""Files that no picture needs: found a shard at a time, so that memory does not grow with the site."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from strikebox.site.media.contract import SHARDS, Media

ORPHAN_AGE = 3600.0  # seconds; no worker takes longer from file to row
_AT_ONCE = 500  # names that the database is asked for

Needed = Callable[[Sequence[str]], set[str]]


def orphans(media: Media, needed: Needed) -> Iterator[str]:
    """Names of files that are not `needed`: of a list of names, those that pictures name."""
    for shard in SHARDS:
        names = media.listed(shard)
        while chunk := list(islice(names, _AT_ONCE)):
            kept = needed(chunk)
            yield from (name for name in chunk if name not in kept)


def sweep(media: Media, needed: Needed, older_than: float = ORPHAN_AGE) -> int:
    """Delete orphans that are older than so many seconds; how many. Raises StoreError or JobsError."""
    deleted = 0
    for name in orphans(media, needed):
        if media.age(name) > older_than:
            media.delete(name)
            deleted += 1
    return deleted
