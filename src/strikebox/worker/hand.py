"""The jobs in a worker's hands: kept alive, paid for and shown, by a thread beside the one that renders.

The thread alone writes while a batch runs: renewals, progress, previews and what was used of each job's
money, several times a second, in one transaction. The renderer asks `check` after every step whether to go
on.
"""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Self, final

import sqlalchemy as sa

from strikebox.errors import BudgetSpent, JobsError, LeaseLost
from strikebox.jobs import Job
from strikebox.site.context import Site
from strikebox.site.progress import Preview, put_preview
from strikebox.worker.pulse import Pulse

Why = Literal["nobody waits", "no money", "draining", "stalled"]

_TICK = 0.5  # seconds between looks at what is new
_SIGN_OF_LIFE = 5.0  # seconds between renewals where nothing is
_AHEAD = 5.0  # seconds of work that a job's promise must hold, else it is extended
_EXTENSION = 30.0  # seconds of work that it is extended by
_GRACE = 5.0  # seconds that a late step has to end the batch in order


class Stop(Exception):
    """The batch must not go on."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why: Why = why


@dataclass(slots=True)
class _Held:
    """One job, as far as it is."""

    job: Job
    steps_done: int = 0
    steps: int = 0
    preview: Preview | None = None  # that was not written yet
    seconds: float = 0.0  # of the worker's time, its share
    unpaid: float = 0.0  # of them, not yet noted in the database


@dataclass(frozen=True, slots=True)
class _News:
    """What the database does not know of a job yet."""

    job: Job
    steps_done: int
    steps: int
    preview: Preview | None
    unpaid: float  # seconds


@final
class Hand:
    """Use it as a context: the thread runs within."""

    def __init__(
        self,
        site: Site,
        worker: str,
        leased: Sequence[Job],
        draining: Callable[[], bool],
        pulse: Pulse,
        wedged: Callable[[], None],
    ) -> None:
        """`draining` says when to give the jobs back whatever state they are in.

        `wedged` is called where `pulse` was late and the batch does not end by itself.
        """
        self._site, self._worker, self._draining = site, worker, draining
        self._pulse, self._wedged = pulse, wedged
        self._held = {job.id: _Held(job) for job in leased}
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._stop: Why | None = None
        self._accounted = self._written = time.monotonic()
        self._fresh = False
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    @property
    def jobs(self) -> list[Job]:
        """Those that are still ours."""
        with self._lock:
            return [held.job for held in self._held.values()]

    def check(self) -> None:
        """Raises Stop where the batch must not go on."""
        with self._lock:
            why = self._stop or (None if self._held else "nobody waits")
        if why is None and self._draining():
            why = "draining"
        if why is not None:
            raise Stop(why)

    def note(self, job: str, steps_done: int, steps: int, preview: Preview | None = None) -> None:
        """How far a job is, to be written soon."""
        with self._lock:
            held = self._held.get(job)
            if held is not None:
                held.steps_done, held.steps = steps_done, steps
                held.preview = preview or held.preview
                self._fresh = True

    def let_go(self, job: str) -> tuple[float, float]:
        """Take a job out that is about to end: its seconds in all, and those that nobody noted yet.

        Between this and its end its lease is not renewed, which takes a fraction of a second.
        """
        with self._lock:
            self._account()
            held = self._held.pop(job, None)
        return (0.0, 0.0) if held is None else (held.seconds, held.unpaid)

    def has(self, job: str) -> bool:
        """Whether it is still ours."""
        with self._lock:
            return job in self._held

    def _keep(self) -> None:
        while not self._over.wait(_TICK):
            if self._pulse.is_late:
                self._stop = "stalled"  # nothing is renewed any more, and another worker will have the jobs
                if not self._over.wait(_GRACE):
                    self._wedged()
                return
            if not self._fresh and time.monotonic() - self._written < _SIGN_OF_LIFE:
                continue
            news = self._news()
            try:
                self._write(news)
            except JobsError:  # the database is away for a moment; the lease outlasts many ticks
                self._take_back(news)

    def _news(self) -> list[_News]:
        """What is to be written, taken from what is held."""
        with self._lock:
            self._account()
            news = [_News(h.job, h.steps_done, h.steps, h.preview, h.unpaid) for h in self._held.values()]
            for held in self._held.values():
                held.preview, held.unpaid = None, 0.0
            self._fresh, self._written = False, time.monotonic()
        return news

    def _take_back(self, news: Sequence[_News]) -> None:
        with self._lock:
            for one in news:
                if (held := self._held.get(one.job.id)) is not None:
                    held.unpaid += one.unpaid

    def _write(self, news: Sequence[_News]) -> None:
        with self._site.database.writing() as connection:
            lost = [one.job.id for one in news if not self._write_one(connection, one)]
            self._site.workers.beat_in(connection, self._worker, len(news) - len(lost))
        with self._lock:
            for job in lost:
                self._held.pop(job, None)

    def _write_one(self, connection: sa.Connection, news: _News) -> bool:
        """Whether the job is still ours."""
        try:
            self._site.queue.renew_in(connection, news.job, news.steps_done, news.steps)
        except LeaseLost:
            return False
        if news.preview is not None:
            put_preview(connection, news.job.id, news.preview)
        self._pay(connection, news)
        return True

    def _pay(self, connection: sa.Connection, news: _News) -> None:
        """Note what was used, and ask for more in time. Stops the batch where the day has no more."""
        budget, dollars = self._site.budget, self._site.pricing.dollars
        left = budget.use(connection, news.job.id, dollars(news.unpaid))
        if left >= dollars(_AHEAD) or dollars(1) == 0:
            return
        try:
            budget.extend(connection, news.job.id, dollars(_EXTENSION))
        except BudgetSpent:
            if left < dollars(2 * _TICK):
                self._stop = "no money"

    def _account(self) -> None:
        """Share the time since this was last done. The lock is held."""
        now = time.monotonic()
        share = (now - self._accounted) / max(len(self._held), 1)
        self._accounted = now
        for held in self._held.values():
            held.seconds += share
            held.unpaid += share
