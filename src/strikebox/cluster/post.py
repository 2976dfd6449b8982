"""What an actor of the site is: it keeps one worker process on its node.

The process is the one that `strikebox serve` starts, so all that watches over it holds here too. The actor
itself holds no weights and answers at any time.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from typing import Protocol, final


class Crew(Protocol):
    """Worker processes on one machine; another is started where one dies."""

    @property
    def names(self) -> Sequence[str]:
        """As the database knows them."""
        ...


StartCrew = Callable[[], AbstractContextManager[Crew]]


@final
class Post:
    """Starts its crew when it is first asked for."""

    def __init__(self, start: StartCrew) -> None:
        self._start, self._open = start, ExitStack()
        self._crew: Crew | None = None

    def pulse(self) -> tuple[str, ...]:
        """Names of the workers that live here. Raises whatever starting them raises."""
        if self._crew is None:
            self._crew = self._open.enter_context(self._start())
        return tuple(self._crew.names)

    def leave(self) -> None:
        """Let the workers finish what they have; returns when they are gone."""
        self._open.close()
