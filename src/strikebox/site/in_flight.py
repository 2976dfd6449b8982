"""Orders that are being answered right now, by client and key: a second one waits a moment, then hears so.

The database alone makes sure that a key orders once, whichever process it comes to. This keeps those who ask
again from filling the process while the first is slow.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from typing import final

from strikebox.errors import KeyInFlight

_PATIENCE = 1.0  # seconds for which a second order waits for the first
_SOON = 1.0  # seconds until it is worth asking again


@final
class InFlight:
    """The orders of one process."""

    def __init__(self, patience: float = _PATIENCE) -> None:
        """`patience`: seconds, 0 or more."""
        self._patience = patience
        self._held = set[tuple[str, str]]()
        self._changed = threading.Condition()

    @contextmanager
    def alone(self, client: str, key: str) -> Generator[None]:
        """No other order of this client under this key is answered meanwhile. Raises KeyInFlight."""
        order = (client, key)
        with self._changed:
            if not self._changed.wait_for(lambda: order not in self._held, self._patience):
                raise KeyInFlight("The first order under this key is still being answered.", _SOON)
            self._held.add(order)
        try:
            yield
        finally:
            with self._changed:
                self._held.remove(order)
                self._changed.notify_all()
