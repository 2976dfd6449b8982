"""`strikebox serve` as a process, without workers: what visitors meet while everything behind it fails."""

import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_CONFIG = """
[storage]
folder = "{folder}"
database = "{database}"
[recipe]
name = "soft"
[limits]
burst = {burst}
per_day = 1000000
network_per_day = 1000000
queue = {queue}
proof_of_work = "off"
[budget]
dollars_per_day = 1000
"""


@dataclass(frozen=True, slots=True)
class Web:
    """A process that serves."""

    base: str  # http://127.0.0.1:port
    pid: int
    log: Path  # its standard error


def configured(
    folder: Path, database: str | None = None, *, queue: int = 10_000, burst: int = 1_000_000
) -> Path:
    """A configuration of a site in `folder`, with room for everybody unless told otherwise."""
    folder.mkdir(exist_ok=True)
    config = folder / "strikebox.toml"
    place = database or str(folder / "site" / "site.sqlite")
    config.write_text(_CONFIG.format(folder=folder / "site", database=place, queue=queue, burst=burst))
    return config


@contextmanager
def running(config: Path, environment: Mapping[str, str] | None = None, workers: int = 0) -> Generator[Web]:
    """`strikebox serve` on a free port. It must leave in order when it is told to."""
    command = [sys.executable, "-c", "from strikebox.cli import main; main()", "serve", "--port", "0"]
    command += ["--workers", str(workers), "--config", str(config)]
    log = config.with_name("log")
    with (
        log.open("w") as lines,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=lines, text=True, env=dict(environment or os.environ)
        ) as process,
    ):
        try:
            assert process.stdout is not None
            found = re.match(r"http://[\d.:]+", process.stdout.readline())
            assert found is not None, log.read_text()
            yield Web(found[0], process.pid, log)
        finally:
            process.terminate()
            assert process.wait(60) == 0, log.read_text()[-2000:]
