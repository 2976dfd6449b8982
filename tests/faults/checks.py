"""A check that withholds all pictures, and goes wrong as a file says. The process that checks imports it."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from strikebox.generation.backend import Pixels
from strikebox.site.moderation.picture import Finding, PictureCheck


@dataclass(frozen=True)
class Moody:
    """Finds every picture unsafe, unless its mood is another."""

    mood: Path
    name: str = "moody"

    def __call__(self, pixels: Pixels) -> Finding | None:
        match self.mood.read_text():
            case "dies":
                os.kill(os.getpid(), signal.SIGKILL)
            case "hangs":
                time.sleep(3600)
            case "raises":
                raise MemoryError
            case "nonsense":
                return nonsense(0)
            case "other nonsense":
                return nonsense("fit to be published")
            case "unreadable":
                return nonsense(Unreadable())
            case "finds nothing":
                return None
            case _:
                time.sleep(0.02)
        return Finding(code="unsafe", detail="seen")


@dataclass(frozen=True)
class Load:
    """Loads it."""

    mood: Path

    def __call__(self) -> Sequence[PictureCheck]:
        return [Moody(self.mood)]


class Unreadable:
    """Cannot be unpickled."""

    def __reduce__(self) -> Any:
        return _explode, ()


def nonsense(answer: Any) -> Finding | None:
    """What no check may answer."""
    return answer


def _explode() -> None:
    raise ValueError("not what was agreed")
