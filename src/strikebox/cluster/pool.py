"""Actors that take tasks as they become idle. One that dies is followed by another, its task is given again.

Nothing is left to Ray's own retries: a task counts as done once, when its result is here.
"""

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, final

from strikebox.cluster.joining import Ray, check_version
from strikebox.cluster.studio import Facts, LoadEyes, LoadStudio, Studio
from strikebox.errors import ClusterError, StrikeboxError

MOST_ATTEMPTS = 3  # of a task, and of an actor to start
_PATIENCE = 600.0  # seconds that nothing may run while actors wait for room or load

T = TypeVar("T")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task(Generic[T]):
    """A call of a studio's method."""

    method: str
    arguments: tuple[object, ...]
    about: T  # what it is for, as whoever takes the result knows it
    words: str  # what it is for, in a message


@dataclass(slots=True)
class _Given:
    """A task and how often it failed."""

    task: Task[Any]
    failed: int = 0


@dataclass(slots=True)
class _Place:
    """Where one actor works."""

    actor: Any
    answer: Any  # reference to what it is asked now; None: it is idle
    given: _Given | None = None  # None with an answer awaited: it is loading
    failed_starts: int = 0


@final
class Pool:
    """Studios in a cluster. Make it with `open_pool`."""

    def __init__(self, ray: Ray, new: Callable[[], Any], places: int) -> None:
        self._ray, self._new = ray, new
        self._places = [self._started(_Place(None, None)) for _ in range(places)]
        self._facts: Facts | None = None

    @property
    def places(self) -> int:
        """How many actors there are at most."""
        return len(self._places)

    @property
    def facts(self) -> Facts:
        """What the studios hold, known as soon as one is loaded. Raises what loading raises."""
        while self._facts is None:
            self._take_one(None)
        return self._facts

    def run(self, tasks: Iterable[Task[T]], accept: Callable[[Task[T], Any], None]) -> None:
        """Give out `tasks` in order; `accept` each with its result, as they come.

        Raises ClusterError where a task fails three times, and StrikeboxError that a studio raises.
        """
        waiting = deque(_Given(task) for task in tasks)
        while waiting or any(place.given for place in self._places):
            self._give_out(waiting)
            ended = self._take_one(waiting)
            if ended is not None:
                self._give_out(waiting)  # first, so that nobody is idle meanwhile
                accept(*ended)

    def close(self) -> None:
        """End all actors."""
        for place in self._places:
            self._kill(place)

    def _give_out(self, waiting: deque[_Given]) -> None:
        for place in self._places:
            if place.answer is None and waiting:
                place.given = waiting.popleft()
                task = place.given.task
                place.answer = getattr(place.actor, task.method).remote(*task.arguments)

    def _take_one(self, waiting: deque[_Given] | None) -> tuple[Task[Any], Any] | None:
        """Wait for one answer: a task and its result, or None where it was something else."""
        asked = {place.answer: place for place in self._places if place.answer is not None}
        done, _ = self._ray.wait(list(asked), num_returns=1, timeout=_PATIENCE)
        if not done:
            self._check_somebody_works()
            return None
        place = asked[done[0]]
        try:
            result = self._ray.get(done[0])
        except self._ray.exceptions.RayError as error:
            self._failed(place, error, waiting)
            return None
        given, place.given, place.answer = place.given, None, None
        if given is None:
            self._ready(place, result)
            return None
        return given.task, result

    def _ready(self, place: _Place, facts: Facts) -> None:
        check_version(facts.version)
        if self._facts is None:
            self._facts = facts
        if facts.model != self._facts.model or facts.settings != self._facts.settings:
            raise ClusterError(
                "nodes hold different weights or precisions; give all the same files and --dtype"
            )
        place.failed_starts = 0

    def _failed(self, place: _Place, error: Exception, waiting: deque[_Given] | None) -> None:
        """An actor died, or raised something that it cannot be trusted after."""
        cause = getattr(error, "cause", None)
        if isinstance(cause, StrikeboxError):
            raise cause from None
        reason = _reason(error if cause is None else cause)
        if (given := place.given) is None:
            place.failed_starts += 1
            self._check_attempts(place.failed_starts, "an actor could not start", reason)
        else:
            given.failed += 1
            self._check_attempts(given.failed, given.task.words, reason)
            assert waiting is not None  # a task was given out
            waiting.appendleft(given)
        _log.warning("an actor died (%s); another is started", reason)
        self._kill(place)
        self._started(place)

    def _check_attempts(self, attempts: int, what: str, reason: str) -> None:
        if attempts >= MOST_ATTEMPTS:
            raise ClusterError(
                f"{what}: {attempts} attempts failed, the last by {reason}; see Ray's logs, then go on "
                "with --resume"
            )

    def _check_somebody_works(self) -> None:
        if not any(place.given for place in self._places):
            raise ClusterError(
                f"no actor could start in {_PATIENCE:g} s: the cluster has no room for one; start more "
                "nodes, or ask for less with --actors or --cpus-per-actor"
            )

    def _started(self, place: _Place) -> _Place:
        place.actor = self._new()
        place.given, place.answer = None, place.actor.facts.remote()
        return place

    def _kill(self, place: _Place) -> None:
        with suppress(Exception):  # it is dead already
            self._ray.kill(place.actor)


@contextmanager
def open_pool(
    ray: Ray,
    load: LoadStudio,
    load_eyes: LoadEyes | None = None,
    *,
    actors: int | None = None,
    cpus_per_actor: int = 1,
) -> Generator[Pool]:
    """So many studios, each with a GPU where the cluster has any; as many as it has room for unless given.

    Raises ClusterError where it has none for a single one.
    """
    asked = needs(ray.cluster_resources(), cpus_per_actor)
    places = actors or room(ray.cluster_resources(), asked)
    kind = ray.remote(**asked, max_restarts=0, max_task_retries=0)(Studio)
    pool = Pool(ray, lambda: kind.remote(load, load_eyes), places)
    try:
        yield pool
    finally:
        pool.close()


def needs(resources: Mapping[str, float], cpus: int, *, gpu: bool = True) -> dict[str, int]:
    """What an actor asks of Ray: so many `cpus`, and a GPU where the cluster has any and it may use it."""
    return {"num_cpus": cpus, "num_gpus": 1 if gpu and resources.get("GPU", 0) >= 1 else 0}


def room(resources: Mapping[str, float], asked: Mapping[str, int]) -> int:
    """How many actors fit, at least one. Raises ClusterError where there is no room for that."""
    fit = [int(resources.get(name, 0) // asked[key]) for name, key in _RESOURCES if asked[key]]
    if min(fit) < 1:
        raise ClusterError(
            f"the cluster has {resources.get('CPU', 0):g} CPUs and {resources.get('GPU', 0):g} GPUs, "
            f"an actor needs {asked['num_cpus']} and {asked['num_gpus']}; start more nodes, or ask for less "
            "with --cpus-per-actor"
        )
    return min(fit)


_RESOURCES = (("CPU", "num_cpus"), ("GPU", "num_gpus"))


def _reason(error: BaseException) -> str:
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return f"{type(error).__name__}: {line}"[:300]
