"""What actors of the tests are loaded with. Their processes import this too."""

import os
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, final

from strikebox.cluster.studio import Eyes, Loaded
from strikebox.errors import ModelError
from strikebox.extractors import registry
from strikebox.generation.backend import Denoise, Latents, Model, Pixels, Size
from strikebox.generation.toy import ToyBackend

SETTINGS = {"dtype": "float32"}

Test = TypeVar("Test", bound=Callable[..., None])


@final
class Disturbed:
    """The toy backend, and something that happens before each batch."""

    def __init__(self, before: Callable[[], None]) -> None:
        self._toy, self._before = ToyBackend(), before

    @property
    def model(self) -> Model:
        return self._toy.model

    def noise(self, seed: int, size: Size) -> Latents:
        return self._toy.noise(seed, size)

    def denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        self._before()
        return self._toy.denoise(batch)

    def decode(self, latents: Sequence[Latents]) -> list[Pixels]:
        return self._toy.decode(latents)

    def encode(self, pictures: Sequence[Pixels]) -> list[Latents]:
        return self._toy.encode(pictures)


_LONG: set[object] = set()


def long(test: Test) -> Test:
    """Marks a test of the long form, STRIKEBOX_FAULTS=full."""
    _LONG.add(test)
    return test


def is_long(test: object) -> bool:
    return test in _LONG


def plain() -> Loaded:
    return Loaded(backend=ToyBackend(), settings=SETTINGS)


def slow(seconds: float) -> Loaded:
    """So many seconds a batch."""
    return Loaded(backend=Disturbed(partial(time.sleep, seconds)), settings=SETTINGS)


def dying(mark: Path, deaths: int) -> Loaded:
    """The first `deaths` batches of all actors together kill theirs."""
    return Loaded(backend=Disturbed(partial(_die, mark, deaths)), settings=SETTINGS)


def missing() -> Loaded:
    raise ModelError("the weights are missing; give --model")


def writing_pids(folder: Path) -> Loaded:
    """Leaves a file named by its process, and is slow enough to be killed."""
    (folder / str(os.getpid())).touch()
    return slow(0.05)


def eyes(_model: Model) -> Eyes:
    return Eyes(extractors=(registry.extractor("palette"), registry.extractor("thumbnail")), reader=None)


def patiently(start: Callable[[], Any]) -> Any:
    """Ray gives a node 30 s to start, which is not enough on a machine that is busy with other things."""
    for _ in range(5):
        try:
            return start()
        except Exception:
            time.sleep(5)
    return start()


def _die(mark: Path, deaths: int) -> None:
    for number in range(deaths):
        try:
            (mark / str(number)).touch(exist_ok=False)
        except FileExistsError:
            continue
        os._exit(1)
