"""A site with a toy model: settings, parts, and workers in this process or in one of their own."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import final

from strikebox.generation.backend import Denoise, Latents, Model, Pixels, Size
from strikebox.generation.toy import ToyBackend
from strikebox.jobs import Job
from strikebox.site.context import Site, open_site
from strikebox.site.settings import Settings
from strikebox.worker.loop import Worker
from strikebox.worker.parts import Parts
from strikebox.worker.pulse import Pulse

ROOMY = {"burst": 10_000, "per_day": 10_000, "network_per_day": 10_000, "queue": 10_000}
STYLE = "matchbox style"


@final
class SlowToy:
    """The toy backend, with so many seconds a step and something that happens before each."""

    def __init__(self, seconds: float = 0.0, before_step: Callable[[], None] = lambda: None) -> None:
        self.toy = ToyBackend()
        self.steps = 0
        self._seconds, self._before_step = seconds, before_step

    @property
    def model(self) -> Model:
        return self.toy.model

    def noise(self, seed: int, size: Size) -> Latents:
        return self.toy.noise(seed, size)

    def denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        self._before_step()
        self.steps += len(batch[0].sigmas) - 1
        time.sleep(self._seconds * (len(batch[0].sigmas) - 1))
        return self.toy.denoise(batch)

    def decode(self, latents: Sequence[Latents]) -> list[Pixels]:
        return self.toy.decode(latents)

    def encode(self, pictures: Sequence[Pixels]) -> list[Latents]:
        return self.toy.encode(pictures)


def open_toy_site(folder: Path, **sections: object) -> Site:
    values: dict[str, object] = {
        "storage": {"folder": folder},
        "recipe": {"name": "soft"},
        "limits": ROOMY,
        "budget": {"dollars_per_day": 1000.0},
    }
    return open_site(Settings(**{**values, **sections}))  # type: ignore[arg-type]


def parts(backend: SlowToy | None = None, **others: object) -> Parts:
    return Parts(backend=backend or SlowToy(), device="cpu", style=STYLE, **others)  # type: ignore[arg-type]


def order(site: Site, *subjects: str, seed: int | None = None) -> list[str]:
    return [site.orders.place(subject, "maker", network="n", seed=seed).id for subject in subjects]


def found(site: Site, id: str) -> Job:
    job = site.queue.find(id)
    assert job is not None
    return job


def work(site: Site, with_parts: Parts, *, seconds: float = 20.0) -> Worker:
    """Run a worker in this process until nothing waits and nothing runs, or so many seconds are over."""
    until = time.monotonic() + seconds

    def busy() -> bool:
        waits = {"waiting", "running"} & site.queue.count().keys()
        return bool(waits) and time.monotonic() < until

    worker = Worker(site, with_parts, still_wanted=busy)
    worker.run()
    return worker


def until(condition: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait for something that another process does."""
    last = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < last, "it did not happen in time"
        time.sleep(0.05)


def command(folder: Path, step: float) -> list[str]:
    """That of a toy worker in a process of its own, with `step` seconds a step."""
    return [sys.executable, __file__, str(folder), str(step), str(os.getpid())]


def start(folder: Path, step: float) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(command(folder, step))


def main() -> None:
    """`strikebox worker` with a toy in place of the weights."""
    import signal

    folder, step, parent = Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3])
    worker = Worker(
        open_toy_site(folder),
        parts(SlowToy(step)),
        still_wanted=lambda: os.getppid() == parent,
        pulse=Pulse.inherited(),
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.drain())
    worker.run()


if __name__ == "__main__":
    main()
