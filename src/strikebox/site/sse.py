"""Jobs as streams of events: each change once, from the version that the browser saw last."""

import asyncio
from collections.abc import AsyncIterator

from starlette.concurrency import run_in_threadpool

from strikebox.site.progress import Progress, ProgressReader

_BETWEEN = 0.25  # seconds between looks at a running job
_BETWEEN_WAITING = 1.0  # at one that waits
_REFRESH = 5.0  # seconds after which an estimate is told again though nothing changed


async def changes(reader: ProgressReader, now: Progress, seen: int) -> AsyncIterator[Progress]:
    """How a job stands whenever that changed, from `now` until it is final; what was `seen` is left out.

    A browser that comes back with the version it saw last gets what came after it, or nothing.
    """
    if now.version > seen or now.is_final:
        yield now
    told = asyncio.get_running_loop().time()
    while not now.is_final:
        await asyncio.sleep(_BETWEEN if now.state == "running" else _BETWEEN_WAITING)
        clock = asyncio.get_running_loop().time()
        if await run_in_threadpool(reader.version, now.id) == now.version and clock - told < _REFRESH:
            continue
        later = await run_in_threadpool(reader.of, now.id)
        if later is None:
            return
        now, told = later, clock
        yield now
