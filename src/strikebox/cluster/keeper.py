"""As many posts in a cluster as the queue needs, each on a GPU of its own where there are any.

The queue stays the database: nothing is handed out here. A post that dies or falls silent is replaced, and
the leases of its workers end at once; Ray sees to where it goes.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, final

from strikebox.cluster.joining import Ray
from strikebox.cluster.post import Post, StartCrew
from strikebox.errors import JobsError
from strikebox.site.context import Site
from strikebox.site.scaling import Scale

LEAVE = 29.0  # seconds that posts have to leave
SILENT = 30.0  # seconds without an answer after which a post counts as wedged
_TICK = 1.0  # seconds between looks
_SHORTEST, _LONGEST = 1.0, 60.0  # seconds between death and the next start; doubled with each death

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Place:
    """Where one post is, or will be."""

    actor: Any = None  # None: the next one starts at `again`
    answer: Any = None  # reference to what it was asked
    asked: float = 0.0
    names: tuple[str, ...] = ()  # workers there, as it last said
    there: bool = False  # it answered: until then it waits for room
    pause: float = _SHORTEST
    again: float = 0.0
    told: float | None = None  # when it was told to leave


@final
class Keeper:
    """Keeps posts until told to leave."""

    def __init__(
        self,
        ray: Ray,
        site: Site,
        start: StartCrew,
        needs: dict[str, int],
        scale: Scale,
        *,
        silent: float = SILENT,
    ) -> None:
        """`needs` are the resources of a post. `silent`: see SILENT."""
        self._ray, self._site, self._scale, self._silent = ray, site, scale, silent
        kind = ray.remote(**needs, max_restarts=0, max_task_retries=0)(Post)
        self._new: Callable[[], Any] = lambda: kind.remote(start)
        self._places: list[_Place] = []

    def run(self, leaving: threading.Event) -> None:
        """Until `leaving` is set; then posts have LEAVE seconds."""
        try:
            while not leaving.is_set():
                self.tick()
                leaving.wait(_TICK)
        finally:
            self._leave()

    def tick(self) -> None:
        """Look at every post once, and at the queue."""
        now = time.monotonic()
        for place in self._places:
            if place.told is None:
                self._look_at(place, now)
            else:
                self._see_off(place, now)
        self._places = [place for place in self._places if place.told is None or place.actor is not None]
        try:
            self._fit(now)
        except JobsError as error:  # the database is away: as many as there are, until it is back
            _log.error("%s", error)

    def _fit(self, now: float) -> None:
        """More posts, or fewer, as the queue needs."""
        jobs, work = self._site.waiting.work(self._site.settings.budget.first_guess)
        staying = [place for place in self._places if place.told is None]
        wanted = self._scale.wanted(now, len(staying), jobs, work)
        if wanted > len(staying):
            _log.info("%d jobs wait, %.0f s of work: %d posts", jobs, work, wanted)
            self._places += [_Place() for _ in range(wanted - len(staying))]
        for place in self._idle_first(staying)[: max(0, len(staying) - wanted)]:
            self._tell(place, now)

    def _look_at(self, place: _Place, now: float) -> None:
        if place.actor is None:
            if now >= place.again:
                place.actor = self._new()
                self._ask(place, now)
            return
        done, _ = self._ray.wait([place.answer], timeout=0)
        if not done:
            if place.there and now - place.asked > self._silent:
                self._bury(place, now, f"no answer in {self._silent:g} s")
            return
        try:
            place.names = self._ray.get(done[0])
        except Exception as error:  # whatever it is, the post is no good
            cause = getattr(error, "cause", None) or error
            self._bury(place, now, " ".join(f"{type(cause).__name__}: {cause}".split())[:300])
            return
        place.there, place.pause = True, _SHORTEST
        self._ask(place, now)

    def _ask(self, place: _Place, now: float) -> None:
        place.answer, place.asked = place.actor.pulse.remote(), now

    def _bury(self, place: _Place, now: float, reason: str) -> None:
        """Free what its workers had, and set a time for the next one."""
        _log.error("a post died (%s); the next starts in %g s", reason, place.pause)
        self._forget(place)
        place.again = now + place.pause
        place.pause = min(2 * place.pause, _LONGEST)

    def _forget(self, place: _Place) -> None:
        if place.actor is not None:
            with suppress(Exception):  # it is dead already
                self._ray.kill(place.actor)
        for name in place.names:
            try:
                self._site.queue.expire(name)
                self._site.workers.leave(name)
            except JobsError as error:  # their leases run out by themselves
                _log.error("%s", error)
        place.actor, place.answer, place.names, place.there = None, None, (), False

    def _idle_first(self, places: Sequence[_Place]) -> list[_Place]:
        """In the order in which they can be spared."""
        busy = {worker.name for worker in self._site.workers.alive() if worker.busy}
        return sorted(places, key=lambda place: any(name in busy for name in place.names))

    def _tell(self, place: _Place, now: float) -> None:
        """To let its workers finish; where nobody is there yet, nobody comes."""
        place.told = now
        if place.there:
            place.answer = place.actor.leave.remote()
        else:
            self._forget(place)

    def _see_off(self, place: _Place, now: float) -> None:
        if place.actor is None or place.told is None:
            return
        gone, _ = self._ray.wait([place.answer], timeout=0)
        if gone or now - place.told > LEAVE:
            self._forget(place)

    def _leave(self) -> None:
        """All of them; what takes too long is ended."""
        now = time.monotonic()
        for place in self._places:
            if place.told is None:
                self._tell(place, now)
        answers = [place.answer for place in self._places if place.actor is not None]
        if answers:
            self._ray.wait(answers, num_returns=len(answers), timeout=LEAVE)
        for place in self._places:
            self._forget(place)
        self._places = []
