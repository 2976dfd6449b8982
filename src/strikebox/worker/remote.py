"""A worker process on another machine: what an actor there starts."""

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from strikebox.cluster.post import Crew, StartCrew
from strikebox.site.context import open_site
from strikebox.site.settings import Settings
from strikebox.worker.children import Children
from strikebox.worker.names import worker_name

COMMAND = (sys.executable, "-c", "from strikebox.cli import main; main()", "worker")


@dataclass(frozen=True, slots=True)
class _Watched:
    children: Children

    @property
    def names(self) -> Sequence[str]:
        return [worker_name(pid) for pid in self.children.pids]


def crew_of(settings: Settings, command: Sequence[str] = COMMAND) -> StartCrew:
    """What starts one worker with `settings`, wherever it is called; paths are meant from this folder."""
    return partial(_started, settings.environment(), tuple(command), Path.cwd())


@contextmanager
def _started(environment: dict[str, str], command: tuple[str, ...], folder: Path) -> Generator[Crew]:
    if folder.is_dir():
        os.chdir(folder)
    os.environ |= environment  # for the worker too: it reads its configuration there
    site = open_site(Settings.read())
    try:
        with Children([*command, "--parent", str(os.getpid())], 1, site) as children:
            yield _Watched(children)
    finally:
        site.close()
