"""What an examination says."""

from collections.abc import Callable, Iterator
from typing import Literal

from strikebox.site.settings import Settings

State = Literal["ok", "look", "bad"]
"""Fine; works, but worth a look; keeps the site from running as it is configured."""

Found = Iterator[tuple[State, str]]
"""States, each with a line that says what was found, and what to do where something is to be done."""

Examination = Callable[[Settings], Found]
