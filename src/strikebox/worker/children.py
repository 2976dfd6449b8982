"""Worker processes of a site: started, started again when they die, told to leave when the site does."""

import logging
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, final

from strikebox.errors import JobsError
from strikebox.site.context import Site
from strikebox.worker.names import worker_name

LEAVE = 29.0  # seconds that workers have to leave
_LOOK = 0.5  # seconds between looks at them
_SHORTEST, _LONGEST = 1.0, 60.0  # seconds between death and the next start; doubled with each death
_HEALTHY = 120.0  # seconds of life after which earlier deaths are forgotten

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Place:
    """Where one worker runs."""

    process: "subprocess.Popen[bytes]"
    started: float
    pause: float = _SHORTEST
    again: float | None = None  # when to start the next one; None: this one lives


@final
class Children:
    """So many processes of one command. Use it as a context."""

    def __init__(self, command: Sequence[str], count: int, site: Site) -> None:
        self._command, self._site = list(command), site
        self._places = [_Place(self._start(), time.monotonic()) for _ in range(count)]
        self._leaving = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="children", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.tell_to_leave()
        self._thread.join()
        until = time.monotonic() + LEAVE
        for place in self._places:
            try:
                place.process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                _log.warning("worker %d does not leave; it is killed", place.process.pid)
                place.process.kill()
                place.process.wait()

    @property
    def pids(self) -> list[int]:
        """Process ids of those that live."""
        return [place.process.pid for place in self._places if place.process.poll() is None]

    def tell_to_leave(self) -> None:
        """Start nothing more, and let what runs finish. Returns at once; may be called more than once."""
        self._leaving.set()
        for place in self._places:
            if place.process.poll() is None:
                place.process.terminate()

    def _start(self) -> "subprocess.Popen[bytes]":
        """In a session of its own: ctrl-C is for the site, which tells its workers in order."""
        return subprocess.Popen(self._command, start_new_session=True, stdin=subprocess.DEVNULL)

    def _watch(self) -> None:
        while not self._leaving.wait(_LOOK):
            for place in self._places:
                self._look_at(place)

    def _look_at(self, place: _Place) -> None:
        code, now = place.process.poll(), time.monotonic()
        if code is None:
            return
        if place.again is None:
            self._died(place, code, now)
        elif now >= place.again:
            place.process, place.started, place.again = self._start(), now, None
            if self._leaving.is_set():  # it came too late to be told
                place.process.terminate()

    def _died(self, place: _Place, code: int, now: float) -> None:
        """Free its jobs at once, and set a time for the next start."""
        place.pause = _SHORTEST if now - place.started > _HEALTHY else min(2 * place.pause, _LONGEST)
        place.again = now + place.pause
        _log.error("worker %d died (%d); the next starts in %g s", place.process.pid, code, place.pause)
        try:
            self._site.queue.expire(worker_name(place.process.pid))
            self._site.workers.leave(worker_name(place.process.pid))
        except JobsError as error:  # their leases run out by themselves
            _log.error("%s", error)
