"""A worker's signs of life, through a pipe to whoever started it.

Each sign says within how many seconds the next one comes, since the worker alone knows whether it is about to
take a step or to load a model.
"""

import os
import time
from contextlib import suppress
from typing import Self, final

STEP = 15.0  # seconds without a step after which a device counts as wedged
SLOWEST = 5.0  # times the slowest step so far, where that is more: a processor may take minutes for one
WARMING = 300.0  # seconds for each step of a kind of batch that is new to the process: kernels are compiled
CHECKING = 300.0  # seconds to check and publish a picture, or to enlarge one
AT_REST = 120.0  # seconds between two looks at the queue, with the database away and the house to keep
LOADING = 3600.0  # seconds until the first sign: a model may be on its way from a hub
_VARIABLE = "STRIKEBOX_PULSE"  # of the environment: the pipe's number


@final
class Pulse:
    """The worker's end."""

    def __init__(self, pipe: int | None = None) -> None:
        """`pipe`: where the signs go; None: nobody listens."""
        self._pipe = pipe
        self._until = time.monotonic() + LOADING

    @classmethod
    def inherited(cls) -> Self:
        """That of the process that started this one. Nothing that this one starts holds it open."""
        number = os.environ.pop(_VARIABLE, None)
        if number is None:
            return cls()
        pipe = int(number)
        os.set_inheritable(pipe, False)
        os.set_blocking(pipe, False)
        return cls(pipe)

    def expect(self, seconds: float) -> None:
        """All is well, and the next sign comes within `seconds`."""
        self._until = time.monotonic() + seconds
        if self._pipe is not None:
            with suppress(OSError):  # nobody reads: who started us is gone, or busy
                os.write(self._pipe, b"%g\n" % seconds)

    @property
    def is_late(self) -> bool:
        """Whether the promise was broken."""
        return time.monotonic() > self._until


@final
class Ear:
    """The other end, and the pipe between them."""

    def __init__(self) -> None:
        self._reads, self._writes = os.pipe()
        os.set_blocking(self._reads, False)
        self._until = time.monotonic() + LOADING

    @property
    def pipe(self) -> int:
        """What the process that is about to start must inherit, by this number."""
        return self._writes

    @property
    def environment(self) -> dict[str, str]:
        """How that process learns of it."""
        return {_VARIABLE: str(self._writes)}

    def started(self) -> None:
        """The process has its end of the pipe; ours of it is closed."""
        os.close(self._writes)

    def is_silent(self) -> bool:
        """Whether a sign is overdue."""
        with suppress(BlockingIOError):
            if heard := os.read(self._reads, 1 << 16).split():
                self._until = time.monotonic() + float(heard[-1])
        return time.monotonic() > self._until

    def close(self) -> None:
        os.close(self._reads)
