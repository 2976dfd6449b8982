"""How fast one network may ask, beside the quotas that orders keep in the database.

A visitor who drops the cookie is a new client with each request, so what costs something is also counted by
network. These counters live in this process: they guard the minute, not the day.
"""

import math
import time
from dataclasses import dataclass, field
from typing import final

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from strikebox.errors import TooMany

_CLIENTS_A_NETWORK = 5  # that may order at full speed at once
_LOGINS = (RateLimitItemPerMinute(5), RateLimitItemPerHour(30))
_ACTS = RateLimitItemPerMinute(60)  # votes, reports
_NOTES = RateLimitItemPerMinute(30)  # what browsers report by themselves
_ONCE = RateLimitItemPerHour(1)


@final
@dataclass(frozen=True, slots=True)
class Limits:
    """The counters of one process."""

    burst: int  # orders of one client in a minute
    _window: MovingWindowRateLimiter = field(
        default_factory=lambda: MovingWindowRateLimiter(MemoryStorage()), repr=False
    )

    def order(self, network: str) -> None:
        """Count an order. Raises TooMany."""
        self._count("order", network, self._orders)

    def act(self, network: str) -> None:
        """Count a vote or report. Raises TooMany."""
        self._count("act", network, _ACTS)

    def login(self, network: str) -> None:
        """Count an attempt to log in. Raises TooMany."""
        for item in _LOGINS:
            self._count("login", network, item)

    def note(self, network: str) -> bool:
        """Whether one more report by a browser is read."""
        return self._window.hit(_NOTES, "note", network)

    def first_time(self, what: str) -> bool:
        """Whether `what` was not seen within the hour."""
        return self._window.hit(_ONCE, "once", what)

    def is_hurried(self, network: str) -> bool:
        """Whether a network orders more than one client may."""
        left = self._window.get_window_stats(self._orders, "order", network).remaining
        return self._orders.amount - left >= self.burst

    @property
    def _orders(self) -> RateLimitItem:
        return RateLimitItemPerMinute(max(self.burst, 1) * _CLIENTS_A_NETWORK)

    def _count(self, what: str, whose: str, item: RateLimitItem) -> None:
        if not self._window.hit(item, what, whose):
            wait = self._window.get_window_stats(item, what, whose).reset_time - time.time()
            raise TooMany(
                "Too many requests came from your network; try again later.", float(max(math.ceil(wait), 1))
            )
