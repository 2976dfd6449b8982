"""How many workers a queue needs: more at once, fewer after a while."""

from math import ceil
from typing import final

BUSY = 30.0  # seconds of work that may wait for each worker
PATIENCE = 120.0  # seconds that one worker fewer must have been enough
_EASY = 0.5  # share of BUSY that those who stay may have


@final
class Scale:
    """Between `least` and `most` workers."""

    def __init__(self, least: int, most: int, *, busy: float = BUSY, patience: float = PATIENCE) -> None:
        self._least, self._most, self._busy, self._patience = least, most, busy, patience
        self._too_many_since: float | None = None

    def wanted(self, now: float, there: int, jobs: int, work: float) -> int:
        """How many there should be at `now` (seconds), where `there` are some.

        `jobs` wait, and one worker would take `work` seconds for them.
        """
        needed = max(1 if jobs else 0, ceil(work / self._busy), self._least)
        if needed >= there or there > self._most:
            self._too_many_since = None
            return min(needed, self._most)
        if work > _EASY * self._busy * (there - 1):
            self._too_many_since = None
            return there
        if self._too_many_since is None:
            self._too_many_since = now
        if now - self._too_many_since < self._patience:
            return there
        self._too_many_since = now
        return there - 1
