"""A worker's life: lease, make, publish; keep house when there is nothing to do; leave in order.

On a signal it leases nothing more and has DRAIN seconds to finish what it has; what is not finished by then
is released, as if it had not been leased.
"""

import logging
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from typing import final

import numpy as np

from strikebox.errors import DeviceError, JobsError, LeaseLost, ModerationError, StoreError, StrikeboxError
from strikebox.generation.backend import Size
from strikebox.jobs import Job
from strikebox.jobs.notices import WORK
from strikebox.jobs.queue import MOST_ATTEMPTS
from strikebox.site import failures, retention
from strikebox.site.context import Site
from strikebox.site.hall import ENLARGEMENT
from strikebox.site.orders import PICTURE
from strikebox.site.workers import BEAT
from strikebox.worker import faults
from strikebox.worker import pulse as pulses
from strikebox.worker.batch import Batches
from strikebox.worker.hand import Hand, Stop
from strikebox.worker.names import worker_name
from strikebox.worker.parts import Parts
from strikebox.worker.previews import Projection
from strikebox.worker.publish import Publisher
from strikebox.worker.pulse import Pulse

DRAIN = 20.0  # seconds to finish a batch after a signal
_GONE = 27.0  # seconds after which a worker that is stuck in a step leaves all the same
_POLL = 0.2  # seconds between looks at an empty queue
_POLL_LISTENING = 2.0  # where the database tells of new jobs: leases that run out are not told of
_HOUSE = 60.0  # seconds between rounds of the house
_CLEANING = 3600.0  # seconds between looks for what may be forgotten
_LEAST_ROOM = 64 * 1024 * 1024  # bytes that a disk must have free before a job is leased
_LONGEST_PAUSE = 30.0  # seconds, while the database or the disk fails
_WITHOUT_MEMORY = 2  # attempts at a batch that finds no memory
_LEAVING = 10.0  # seconds that a process with a failed device has to end
_SHOWN = 300  # characters of an error

_log = logging.getLogger(__name__)


@final
class Worker:
    """One process with one set of weights."""

    def __init__(
        self,
        site: Site,
        parts: Parts,
        *,
        still_wanted: Callable[[], bool] = lambda: True,
        pulse: Pulse | None = None,
    ) -> None:
        """`still_wanted`: False once whoever started it is gone. `pulse`: what that one hears."""
        self._site, self._parts, self._wanted = site, parts, still_wanted
        self._pulse = pulse or Pulse()
        self._name = worker_name(os.getpid())
        self._kinds = [PICTURE] if parts.enlarge is None else [PICTURE, ENLARGEMENT]
        self._publisher = Publisher(site, parts)
        projection = Projection.of(parts.backend, _size(site, parts), np.random.default_rng(0))
        self._batches = Batches(site, parts, self._publisher, projection, self._pulse)
        self._leaving: float | None = None  # when it was told to
        self._wake = threading.Event()
        self._last_resort = threading.Timer(_GONE, self._leave_at_once)
        self._last_resort.daemon = True
        self._hand: Hand | None = None
        self._beaten = self._kept_house = self._cleaned = -_CLEANING

    def drain(self) -> None:
        """Leave soon. May be called from a signal handler, and more than once."""
        if self._leaving is None:
            self._leaving = time.monotonic()
            self._wake.set()
            self._last_resort.start()

    def run(self) -> None:
        """Work until told to leave.

        Raises ModerationError where pictures cannot be checked, DeviceError where a fresh process must go on.
        """
        with self._site.notices.calling(self._wake.set, [WORK]):
            self._work_until_told()
        self._last_resort.cancel()
        self._say_goodbye()

    def _work_until_told(self) -> None:
        pause = 1.0
        while self._leaving is None:
            try:
                self._once()
                pause = 1.0
            except (JobsError, StoreError) as error:
                _log.error("%s; trying again in %g s", error, pause)
                self._wait(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _once(self) -> None:
        """Beat, keep house, and make one batch or wait a moment."""
        if not self._wanted():
            _log.warning("whoever started this worker is gone; leaving")
            self.drain()
            return
        self._pulse.expect(pulses.AT_REST)
        now = time.monotonic()
        if now - self._beaten > BEAT:
            self._beat(0)
        if now - self._kept_house > _HOUSE:
            self._kept_house = now
            self._keep_house()
        leased = self._lease()
        if leased:
            self._work(leased)
        else:
            self._wait(_POLL_LISTENING if self._site.notices.listening else _POLL)

    def _wait(self, seconds: float) -> None:
        """Until there is news, or a signal to leave, which `_leaving` remembers."""
        self._wake.wait(seconds)
        self._wake.clear()

    def _lease(self) -> list[Job]:
        """What may be made together. Raises StoreError where the disk is full."""
        if not self._site.queue.has_work(self._kinds):
            return []
        folder = self._site.settings.storage.folder
        if shutil.disk_usage(folder).free < _LEAST_ROOM:
            raise StoreError(f"{folder}: the disk is full; make room, jobs wait meanwhile")
        leased = self._site.queue.lease(self._name, self._site.settings.model.batch, self._kinds)
        together = _safe_together(leased)
        self._site.queue.release([job for job in leased if job not in together])
        return together

    def _work(self, leased: Sequence[Job]) -> None:
        started = time.monotonic()
        self._beat(len(leased))
        hand = self._hand = self._take(leased)
        with hand:
            try:
                self._make_promptly(leased, hand)
                self._measured(leased, time.monotonic() - started)
            except Stop as stop:
                self._stopped(stop, hand)
            except (JobsError, StoreError):
                self._publisher.give_back(hand)
                self._site.queue.release(leased)  # the one that was about to end, too
                raise
            except ModerationError:
                self._publisher.give_back(hand)
                self._say_goodbye()
                raise
            except Exception as error:
                _log.exception("a batch of %d failed", len(leased))
                self._failed(error, len(leased), hand)
            finally:
                self._hand = None
        self._beat(0)

    def _take(self, leased: Sequence[Job]) -> Hand:
        return Hand(self._site, self._name, leased, self._out_of_time, self._pulse, self._wedged)

    def _failed(self, error: Exception, together: int, hand: Hand) -> None:
        """Each job may be tried again; where the device is at fault, by another process.

        Raises DeviceError there.
        """
        match faults.fault_of(error):
            case None:
                self._fail_all(hand, failures.line("went-wrong"))
                return
            case "memory":
                self._fail_all(hand, faults.short_of_memory(together), attempts=_WITHOUT_MEMORY)
            case "device":
                self._fail_all(hand, failures.line("went-wrong", "the device failed"))
        self._say_goodbye()
        self._pulse.expect(_LEAVING)
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DeviceError(f"the device failed ({reason[:_SHOWN]}); start the worker again")

    def _make_promptly(self, leased: Sequence[Job], hand: Hand) -> None:
        try:
            self._make(leased, hand)
        finally:
            self._pulse.expect(pulses.AT_REST)  # what follows waits for the database alone

    def _make(self, leased: Sequence[Job], hand: Hand) -> None:
        if leased[0].kind == PICTURE:
            self._batches.make(leased, hand)
            return
        for job in leased:
            self._pulse.expect(pulses.CHECKING)
            try:
                self._publisher.enlarge(job, hand)
            except LeaseLost:
                _log.info("enlargement %s was cancelled", job.id)
            except (JobsError, StoreError):
                raise
            except StrikeboxError as error:
                self._publisher.fail(job, failures.line("impossible", str(error)), hand, retry=False)

    def _stopped(self, stop: Stop, hand: Hand) -> None:
        _log.warning("a batch was stopped: %s", stop.why)
        match stop.why:
            case "no money":
                self._fail_all(hand, failures.line("no-money", "the day's budget was spent"), attempts=0)
            case "draining" | "nobody waits" | "stalled":
                self._publisher.give_back(hand)

    def _fail_all(self, hand: Hand, message: str, *, attempts: int = MOST_ATTEMPTS) -> None:
        """Those that were not tried `attempts` times wait again."""
        for job in hand.jobs:
            try:
                self._publisher.fail(job, message, hand, retry=job.attempt < attempts)
            except LeaseLost:
                continue

    def _measured(self, leased: Sequence[Job], seconds: float) -> None:
        batch = leased[0].batch if leased[0].kind == PICTURE else ENLARGEMENT
        with self._site.database.writing() as connection:
            self._site.waiting.measured_in(connection, self._name, batch, len(leased), seconds)

    def _beat(self, busy: int) -> None:
        model = self._parts.backend.model
        name = model.name if model.lora_name is None else f"{model.name} with {model.lora_name}"
        self._site.workers.beat(self._name, self._parts.device, name[:255], busy)
        self._beaten = time.monotonic()

    def _keep_house(self) -> None:
        self._site.budget.settle_ended()
        if ENLARGEMENT in self._kinds:
            self._site.hall.queue_missing()
        if time.monotonic() - self._cleaned > _CLEANING:
            self._cleaned = time.monotonic()
            retention.keep(self._site)
            self._batches.sweep()

    def _out_of_time(self) -> bool:
        return self._leaving is not None and time.monotonic() - self._leaving > DRAIN

    def _say_goodbye(self) -> None:
        try:
            self._site.workers.leave(self._name)
        except JobsError as error:
            _log.error("%s", error)

    def _wedged(self) -> None:
        """A step does not end: other workers get the jobs, and nobody waits for this process."""
        _log.error("no step for too long; the worker ends")
        try:
            self._site.queue.expire(self._name)
        except JobsError as error:  # their leases run out by themselves
            _log.error("%s", error)
        self._say_goodbye()
        os._exit(1)

    def _leave_at_once(self) -> None:
        """A step takes too long to be waited for: its jobs go back, and the process ends."""
        _log.warning("still busy %g s after the signal; releasing its jobs", _GONE)
        if self._hand is not None:
            self._publisher.give_back(self._hand)
        self._say_goodbye()
        os._exit(0)


def _size(site: Site, parts: Parts) -> Size:
    """Of the pictures that are made."""
    side = site.settings.model.size
    return parts.backend.model.size if side is None else Size(height=side, width=side)


def _safe_together(leased: Sequence[Job]) -> list[Job]:
    """A job that was tried before may be what killed its worker: it is tried again alone.

    What had no memory is tried again with half as many.
    """
    if not leased or leased[0].attempt == 1:
        return [job for job in leased if job.attempt == 1]
    first = leased[0]
    alike = [job for job in leased if (job.attempt, job.error) == (first.attempt, first.error)]
    return alike[: faults.most_together(first.error)]
