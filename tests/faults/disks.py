"""Disks that are small, and disks that fail."""

import errno
import os
import shutil
import subprocess
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Its folder: 6 MB of its own. Only root may mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(place)]
    try:
        subprocess.run(mount, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no small file system can be mounted here: {error}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> Path:
    """A file that leaves nothing free."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(os.urandom(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC
    return ballast


@dataclass(frozen=True, slots=True)
class FailingDisk:
    """Faults of the files below a folder, for a process that is started with `environment`."""

    environment: Mapping[str, str]
    switches: Path

    @contextmanager
    def failing(self, fault: str) -> Generator[None]:
        """Meanwhile there is this `fault`: fsync, readonly."""
        switch = self.switches / fault
        switch.touch()
        try:
            yield
        finally:
            switch.unlink()


def failing_disk(folder: Path, built: Path) -> FailingDisk:
    """Of the files below `folder`; what makes them fail is compiled into `built`."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("there is no C compiler: apt install gcc")
    library, switches = built / "failing_disk.so", built / "faults"
    switches.mkdir()
    source = Path(__file__).with_name("failing_disk.c")
    words = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
    subprocess.run(words, check=True, capture_output=True)
    environment = {"LD_PRELOAD": str(library), "FAULTS": str(switches), "DISK": str(folder)}
    return FailingDisk({**os.environ, **environment}, switches)
