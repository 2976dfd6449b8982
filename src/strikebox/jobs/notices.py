"""News of jobs between processes: PostgreSQL tells those that listen what a commit changed (LISTEN, NOTIFY).

SQLite tells nobody, and a connection may be lost: whoever waits for a notice also looks by itself now and
then, often where `listening` is False and seldom where it is True.
"""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from typing import final

import sqlalchemy as sa

from strikebox.jobs.database import Database

WORK = "work"  # topic: there is something to lease; every job's id is a topic, too

_CHANNEL = "strikebox"
_TICK = 0.5  # seconds between looks whether to end
_PAUSES = (0.5, 1.0, 2.0, 5.0)  # seconds before the next try to connect

_log = logging.getLogger(__name__)

Callback = Callable[[], object]


def tell(connection: sa.Connection, *topics: str) -> None:
    """Tell all who listen, when the transaction is committed, and only then."""
    if connection.dialect.name == "postgresql":
        for topic in topics:
            connection.execute(sa.select(sa.func.pg_notify(_CHANNEL, topic)))


@final
class Notices:
    """What a process hears of a database: one connection and one thread, from the first who asks on."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._callbacks: defaultdict[str, set[Callback]] = defaultdict(set)
        self._lock = threading.Lock()
        self._closed, self._heard = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def listening(self) -> bool:
        """Whether notices arrive just now."""
        return self._heard.is_set()

    @contextmanager
    def calling(self, callback: Callback, topics: Iterable[str]) -> Generator[None]:
        """Within, `callback` is called from another thread at each notice on these topics, and whenever the
        connection comes or goes, for then notices may have been missed. It must return at once.
        """
        wanted = list(topics)
        with self._lock:
            for topic in wanted:
                self._callbacks[topic].add(callback)
            self._start()
        try:
            yield
        finally:
            with self._lock:
                for topic in wanted:
                    self._callbacks[topic].discard(callback)
                    if not self._callbacks[topic]:
                        del self._callbacks[topic]

    def close(self) -> None:
        """Hear no more. Returns when the connection is closed."""
        self._closed.set()
        if self._thread is not None:
            self._thread.join()

    def _start(self) -> None:
        """The lock is held."""
        if self._thread is None and not self._database.is_sqlite:
            self._thread = threading.Thread(target=self._keep_listening, name="notices", daemon=True)
            self._thread.start()

    def _keep_listening(self) -> None:
        failures = 0
        while not self._closed.is_set():
            try:
                self._listen()
            except Exception as error:  # of SQLAlchemy or of psycopg, which may not be installed
                if self.listening or not failures:
                    _log.warning("notices of the database are lost, looking instead: %s", error)
                failures = 0 if self.listening else failures + 1
            self._heard.clear()
            self._call_all()
            self._closed.wait(_PAUSES[min(failures, len(_PAUSES) - 1)])

    def _listen(self) -> None:
        with closing(self._database.connection_of_its_own()) as connection:
            connection.execute(f"LISTEN {_CHANNEL}")
            self._heard.set()
            self._call_all()
            while not self._closed.is_set():
                for notice in connection.notifies(timeout=_TICK):
                    self._call(notice.payload)

    def _call(self, topic: str) -> None:
        with self._lock:
            callbacks = tuple(self._callbacks.get(topic, ()))
        for callback in callbacks:
            callback()

    def _call_all(self) -> None:
        with self._lock:
            callbacks = set[Callback]().union(*self._callbacks.values())
        for callback in callbacks:
            callback()
