"""Worker processes of a site: started, started again when they die or fall silent, told to leave in order.

One that cannot even be killed sits in the driver of its device. That device is out of service then: nothing
new is started on it, and the site says so, until the process is gone.
"""

import logging
import os
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self, final

import psutil

from strikebox.errors import JobsError
from strikebox.site.context import Site
from strikebox.worker.names import pid_of, worker_name
from strikebox.worker.pulse import Ear

LEAVE = 28.0  # seconds that workers have to leave, from the moment they are told
UNKILLABLE = 8.0  # seconds after which a process that was killed should be gone
_LOOK = 0.5  # seconds between looks at them
_SHORTEST, _LONGEST = 1.0, 60.0  # seconds between death and the next start; doubled with each death
_HEALTHY = 120.0  # seconds of life after which earlier deaths are forgotten

Process = subprocess.Popen[bytes]
Kill = Callable[[Process], None]

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Place:
    """Where one worker runs."""

    process: Process | None = None  # None: none runs, and the next one starts at `again`
    ear: Ear | None = None
    started: float = 0.0
    pause: float = _SHORTEST
    again: float = 0.0
    killed: float | None = None  # when it was, for its silence
    stuck: bool = False  # it outlived that


@final
class Children:
    """So many processes of one command. Use it as a context."""

    def __init__(self, command: Sequence[str], count: int, site: Site, kill: Kill = Process.kill) -> None:
        """`kill` ends a process at once, or does not."""
        self._command, self._site, self._kill = list(command), site, kill
        self._left_over = self._stuck_before()
        self._places = [_Place() for _ in range(count)]
        self._leaving = threading.Event()
        self._told = 0.0
        self._watch_once()
        self._thread = threading.Thread(target=self._watch, name="children", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.tell_to_leave()
        self._thread.join()
        until = self._told + LEAVE
        for process in self._living():
            try:
                process.wait(max(until - time.monotonic(), 0.1))
            except subprocess.TimeoutExpired:
                self._end(process)
        for place in self._places:
            if place.ear is not None:
                place.ear.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of those that live."""
        return [process.pid for process in self._living()]

    def tell_to_leave(self) -> None:
        """Start nothing more, and let what runs finish. Returns at once; may be called more than once."""
        self._told = self._told or time.monotonic()
        self._leaving.set()
        for process in self._living():
            process.terminate()

    def _living(self) -> list[Process]:
        return [p for place in self._places if (p := place.process) is not None and p.poll() is None]

    def _watch(self) -> None:
        while not self._leaving.wait(_LOOK):
            self._watch_once()

    def _watch_once(self) -> None:
        now = time.monotonic()
        for place in self._places:
            if place.process is None:
                if now >= place.again and not self._out_of_service():
                    self._try_to_start(place)
            elif (code := place.process.poll()) is not None:
                self._died(place, place.process, code)
            else:
                self._listen(place, place.process, now)

    def _try_to_start(self, place: _Place) -> None:
        try:
            self._start(place)
        except OSError as error:  # the machine has no process or memory left
            _log.error("no worker can be started (%s); trying again in %g s", error, _LONGEST)
            place.again = time.monotonic() + _LONGEST

    def _start(self, place: _Place) -> None:
        """In a session of its own: ctrl-C is for the site, which tells its workers in order."""
        ear = Ear()
        place.process = subprocess.Popen(
            self._command,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            pass_fds=[ear.pipe],
            env={**os.environ, **ear.environment},
        )
        ear.started()
        place.ear, place.started, place.killed, place.stuck = ear, time.monotonic(), None, False
        if self._leaving.is_set():  # it came too late to be told
            place.process.terminate()

    def _listen(self, place: _Place, process: Process, now: float) -> None:
        """End one that fell silent; call its device out of service where it does not end."""
        if place.killed is None and place.ear is not None and place.ear.is_silent():
            _log.error("worker %d fell silent; it is killed", process.pid)
            place.killed = now
            self._kill(process)
        elif place.killed is not None and now - place.killed > UNKILLABLE and not place.stuck:
            _log.error("worker %d cannot be killed; nothing more is started on its device", process.pid)
            place.stuck = True
            self._tell(process.pid, self._site.workers.stick)

    def _died(self, place: _Place, process: Process, code: int) -> None:
        """Free its jobs at once, and set a time for the next start."""
        now = time.monotonic()
        place.pause = _SHORTEST if now - place.started > _HEALTHY else min(2 * place.pause, _LONGEST)
        pause = place.pause if place.killed is None else 0.0  # it lived long enough to fall silent
        _log.error("worker %d died (%d); the next starts in %g s", process.pid, code, pause)
        place.process, place.again = None, now + pause
        if place.ear is not None:
            place.ear.close()
            place.ear = None
        self._tell(process.pid, self._site.workers.leave)

    def _end(self, process: Process) -> None:
        """When there is no more time to leave."""
        _log.warning("worker %d does not leave; it is killed", process.pid)
        self._kill(process)
        try:
            process.wait(UNKILLABLE)
        except subprocess.TimeoutExpired:
            _log.error("worker %d cannot be killed; its device is out of service", process.pid)
            self._tell(process.pid, self._site.workers.stick)
        else:
            self._tell(process.pid, self._site.workers.leave)

    def _tell(self, pid: int, what: Callable[[str], None]) -> None:
        """Free the jobs of a worker that does nothing more, and note what became of it."""
        name = worker_name(pid)
        try:
            self._site.queue.expire(name)
            what(name)
        except JobsError as error:  # their leases run out by themselves
            _log.error("%s", error)

    def _out_of_service(self) -> bool:
        """Whether a process sits in the device that ours use."""
        self._left_over = [one for one in self._left_over if self._is_there(one)]
        return bool(self._left_over) or any(place.stuck for place in self._places if place.process)

    def _stuck_before(self) -> list[psutil.Process]:
        """Processes of an earlier site on this machine that nobody could end."""
        wanted = self._site.settings.model.device
        stuck = [row for row in self._site.workers.stuck() if wanted in ("auto", row.device)]
        found = [(row, pid) for row in stuck if (pid := pid_of(row.name)) is not None]
        return [p for row, pid in found if (p := self._process(pid, row.stuck)) is not None]

    def _process(self, pid: int, stuck: float | None) -> psutil.Process | None:
        """That process, unless it is gone, or a later one has its number."""
        try:
            process = psutil.Process(pid)
            if process.create_time() < (stuck or 0.0) and process.status() != psutil.STATUS_ZOMBIE:
                return process
        except psutil.NoSuchProcess:
            pass
        self._tell(pid, self._site.workers.leave)
        return None

    def _is_there(self, process: psutil.Process) -> bool:
        try:
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            pass
        self._tell(process.pid, self._site.workers.leave)
        return False
