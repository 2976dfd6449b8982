"""Queue and budget as plain Python, by which the real ones are judged. Money is in billionths of a dollar."""

from collections.abc import Sequence
from dataclasses import dataclass, field

FINAL = ("done", "failed", "cancelled")
MOST_ATTEMPTS = 3


class Refused(Exception):
    """What the real ones must refuse too."""


@dataclass(slots=True)
class Entry:
    """A job and its money."""

    id: str
    batch: str
    urgency: int
    day: str
    reserved: int
    state: str = "waiting"
    attempt: int = 0
    lease: int = 0  # number of the lease that counts
    until: float = 0.0  # end of it
    used: int = 0
    settled: bool = False


@dataclass(slots=True)
class Book:
    """All of it. `now` is a clock that only tests move."""

    limit: int  # of a day
    lease: float  # seconds
    now: float = 0.0
    leases: int = 0
    entries: dict[str, Entry] = field(default_factory=dict[str, Entry])

    def sums(self, day: str) -> tuple[int, int]:
        """Reserved and spent."""
        mine = [entry for entry in self.entries.values() if entry.day == day]
        reserved = sum(entry.reserved for entry in mine if not entry.settled)
        return reserved, sum(entry.used for entry in mine if entry.settled)

    def fits(self, day: str, amount: int) -> bool:
        return sum(self.sums(day)) + amount <= self.limit

    def next(self, most: int) -> tuple[list[Entry], int]:
        """Lease what comes next: those, and the number of the lease. What was tried too often fails."""
        for entry in self._running():
            if entry.until < self.now and entry.attempt >= MOST_ATTEMPTS:
                entry.state = "failed"
        free = [e for e in self.entries.values() if e.state == "waiting"]
        free += [entry for entry in self._running() if entry.until < self.now]
        free.sort(key=lambda entry: (-entry.urgency, entry.id))
        leased = [entry for entry in free if entry.batch == free[0].batch][:most]
        self.leases += bool(leased)
        for entry in leased:
            entry.state, entry.attempt = "running", entry.attempt + 1
            entry.lease, entry.until = self.leases, self.now + self.lease
        return leased, self.leases

    def held(self, id: str, lease: int) -> Entry:
        """The job under this lease. Raises Refused where the lease is not the one that counts."""
        entry = self.entries[id]
        if entry.state != "running" or entry.lease != lease:
            raise Refused(id)
        return entry

    def end(self, id: str, lease: int, state: str) -> Entry:
        """Doing so twice under one lease is doing it once. Raises Refused."""
        entry = self.entries[id]
        if not (entry.state == state and entry.lease == lease):
            self.held(id, lease).state = state
        return entry

    def settle(self, entry: Entry, amount: int = 0) -> None:
        if not entry.settled:
            entry.used, entry.settled = entry.used + amount, True

    def settle_ended(self) -> None:
        for entry in self.entries.values():
            if entry.state in FINAL:
                self.settle(entry)

    def _running(self) -> Sequence[Entry]:
        return [entry for entry in self.entries.values() if entry.state == "running"]
