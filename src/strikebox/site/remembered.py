"""Figures that take long to count and need not be of this moment."""

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar, final

T = TypeVar("T")


@final
class Remembered(Generic[T]):
    """Counted when it is asked for, and again once that is so many seconds ago."""

    def __init__(
        self, count: Callable[[], T], seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._count, self._seconds, self._clock = count, seconds, clock
        self._known: tuple[float, T] | None = None
        self._lock = threading.Lock()

    def __call__(self) -> T:
        """Whoever asks while it is counted waits for that, so that it is counted once."""
        with self._lock:
            if self._known is None or self._clock() - self._known[0] >= self._seconds:
                self._known = self._clock(), self._count()
            return self._known[1]
