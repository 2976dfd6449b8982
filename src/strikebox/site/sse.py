"""Jobs as streams of events: each change once, from the version that the browser saw last."""

import asyncio
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool

from strikebox.jobs import Notices
from strikebox.site.progress import Progress, ProgressReader

_BETWEEN = 0.25  # seconds between looks at a running job
_BETWEEN_WAITING = 1.0  # at one that waits
_LISTENING = 2.0  # at either, where the database tells of changes: only the place in the queue is not told
_REFRESH = 5.0  # seconds after which an estimate is told again though nothing changed


@dataclass(frozen=True, slots=True)
class Bell:
    """Rings when something may have changed."""

    rung: asyncio.Event
    notices: Notices

    async def wait(self, otherwise: float) -> None:
        """Until it rings, or `otherwise` seconds; longer where the database tells of changes."""
        try:
            async with asyncio.timeout(_LISTENING if self.notices.listening else otherwise):
                await self.rung.wait()
        except TimeoutError:
            return
        self.rung.clear()  # before anybody looks, so that no change is missed


@contextmanager
def bell(notices: Notices, jobs: Sequence[str]) -> Generator[Bell]:
    """A bell for some jobs, by their ids, within the event loop that runs."""
    loop, rung = asyncio.get_running_loop(), asyncio.Event()
    rung.set()  # something may have changed before this
    with notices.calling(lambda: loop.call_soon_threadsafe(rung.set), jobs):
        yield Bell(rung, notices)


async def changes(
    reader: ProgressReader, now: Progress, seen: int, notices: Notices
) -> AsyncIterator[Progress]:
    """How a job stands whenever that changed, from `now` until it is final; what was `seen` is left out.

    A browser that comes back with the version it saw last gets what came after it, or nothing.
    """
    if now.version > seen or now.is_final:
        yield now
    told = asyncio.get_running_loop().time()
    with bell(notices, [now.id]) as ringing:
        while not now.is_final:
            await ringing.wait(_BETWEEN if now.state == "running" else _BETWEEN_WAITING)
            clock = asyncio.get_running_loop().time()
            if await run_in_threadpool(reader.version, now.id) == now.version and clock - told < _REFRESH:
                continue
            later = await run_in_threadpool(reader.of, now.id)
            if later is None:
                return
            now, told = later, clock
            yield now
