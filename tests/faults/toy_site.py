"""A site in processes of its own, with a toy in place of the weights that does what its prompts say.

`python toy_site.py serve CONFIG PORT` is `strikebox serve` whose workers are toys; `worker CONFIG PARENT` is
such a worker, nobody's where PARENT is 0; `herd CONFIG NUMBER` is many of them. The environment says how fast
they are.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import final

from strikebox.errors import StrikeboxError
from strikebox.generation.backend import Denoise, Latents, Model, Pixels, Size
from strikebox.generation.toy import ToyBackend
from strikebox.jobs import Queue
from strikebox.jobs.queue import LEASE
from strikebox.site.context import Site, open_site
from strikebox.site.settings import Settings
from strikebox.worker import children, pulse
from strikebox.worker.loop import Worker
from strikebox.worker.parts import Parts
from strikebox.worker.pulse import Pulse

SECONDS = "TOY_STEP_SECONDS"  # a step takes
LEASED = "TOY_LEASE"  # seconds
SILENCE = "TOY_SILENCE"  # seconds without a step after which it counts as wedged
PAUSE = "TOY_PAUSE"  # seconds at most until the next worker starts after a death


class OutOfMemoryError(RuntimeError):
    """Like torch's, by name."""


@final
class Fickle:
    """The toy backend, and words in prompts that make it fail."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self._toy, self._folder, self._seconds = ToyBackend(), folder, seconds

    @property
    def model(self) -> Model:
        return self._toy.model

    def noise(self, seed: int, size: Size) -> Latents:
        return self._toy.noise(seed, size)

    def denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        said = " ".join(request.prompt for request in batch)
        if "poison" in said:
            os.kill(os.getpid(), signal.SIGKILL)
        if "wedge" in said and self._first_time("wedge"):
            os.kill(os.getpid(), signal.SIGSTOP)
        if "glutton" in said or ("greedy" in said and len(batch) > 2):
            raise OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        if "broken" in said and self._first_time("broken"):
            raise RuntimeError("CUDA error: device-side assert triggered")
        time.sleep(self._seconds * (len(batch[0].sigmas) - 1))
        return self._toy.denoise(batch)

    def decode(self, latents: Sequence[Latents]) -> list[Pixels]:
        pictures = self._toy.decode(latents)
        if (self._folder / "stop-before-publishing").exists() and self._first_time("stopped"):
            os.kill(os.getpid(), signal.SIGSTOP)
        return pictures

    def encode(self, pictures: Sequence[Pixels]) -> list[Latents]:
        return self._toy.encode(pictures)

    def _first_time(self, what: str) -> bool:
        try:
            (self._folder / f"happened-{what}").touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def opened(config: Path) -> Site:
    """The site of `config`, with leases as the environment says."""
    site = open_site(Settings.read(config))
    return replace(site, queue=Queue(site.database, lease=float(os.environ.get(LEASED, LEASE))))


def work(config: Path, wanted: Callable[[], bool] = lambda: True) -> None:
    """`strikebox worker` with the toy."""
    signs = Pulse.inherited()
    pulse.STEP = float(os.environ.get(SILENCE, pulse.STEP))
    site = opened(config)
    toy = Fickle(site.settings.storage.folder, float(os.environ.get(SECONDS, "0.01")))
    parts = Parts(backend=toy, device="toy", style="matchbox style", warming=pulse.STEP)
    worker = Worker(site, parts, still_wanted=wanted, pulse=signs)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.drain())
    try:
        worker.run()
    except StrikeboxError as error:
        sys.exit(str(error))


def herd(config: Path, number: int) -> None:
    """Nobody watches them, as nobody does on a machine that loses its power."""
    for _ in range(number):
        if os.fork() == 0:
            work(config)
            os._exit(0)
    for _ in range(number):
        os.wait()


def serve(config: Path, port: str) -> None:
    """The real command but for its workers."""
    from strikebox import cli
    from strikebox.cli import serve as command

    children._LONGEST = float(os.environ.get(PAUSE, children._LONGEST))
    toys = [sys.executable, __file__, "worker", str(config), str(os.getpid())]
    command._worker = lambda *_: toys
    cli.main(["serve", "--port", port, "--config", str(config)])


def main() -> None:
    match sys.argv[1:]:
        case ["serve", config, port]:
            serve(Path(config), port)
        case ["worker", config, parent]:
            work(Path(config), lambda: parent == "0" or os.getppid() == int(parent))
        case ["herd", config, number]:
            herd(Path(config), int(number))
        case words:
            sys.exit(f"unknown: {words}")


if __name__ == "__main__":
    main()
