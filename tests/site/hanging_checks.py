"""Checks that go wrong, for tests: they must be importable in the process that runs them."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from strikebox.errors import ExtractorError
from strikebox.generation.backend import Pixels
from strikebox.site.moderation.picture import Finding, PictureCheck


@dataclass(frozen=True)
class Odd:
    """Does what the first pixel says, so that one process can be made to fail and the next not."""

    name: str = "odd"

    def __call__(self, pixels: Pixels) -> Finding | None:
        match int(pixels[0, 0, 0]):
            case 1:
                time.sleep(3600)
            case 2:
                os.kill(os.getpid(), signal.SIGKILL)
            case 3:
                raise RuntimeError("no memory\nleft")
            case 4:
                return Finding(code="unsafe", detail="seen", score=0.9, limit=0.3)
        return None


@dataclass(frozen=True)
class Load:
    """Loads `Odd`; what loading does may go wrong too. `started` gets a line a process."""

    started: Path
    how: str = "well"

    def __call__(self) -> Sequence[PictureCheck]:
        with self.started.open("a") as file:
            file.write(f"{os.getpid()}\n")
        match self.how:
            case "missing":
                raise ExtractorError("weights are missing; install them")
            case "broken":
                raise RuntimeError("broken library")
            case "hangs":
                time.sleep(3600)
        return [Odd()]


def picture(says: int) -> Pixels:
    return np.full((8, 8, 3), says, np.uint8)
