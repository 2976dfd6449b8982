"""What tests in a browser share: sites of their own, a cable to cut, and kinds of what fixtures give."""

import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from filled import opened
from playwright.sync_api import Page

from strikebox.site.app import create_app
from strikebox.site.context import Site

SUBJECTS = [*(f"owl number {n}" for n in range(58)), "рыжая лиса", "a very long subject " * 9]

NewPage = Callable[..., Page]

CONFIG = """
[storage]
folder = "{folder}"
[recipe]
name = "soft"
[limits]
burst = 1000
per_day = 1000
network_per_day = 1000
proof_of_work = "off"
"""
UNCHECKED = """
[moderation]
classifier = false
leak = false
lettering = false
"""


@contextmanager
def running(folder: Path, config: str) -> Iterator[str]:
    """`strikebox serve` on a free port, with a worker on the embedded model; its address."""
    (folder / "strikebox.toml").write_text(config.format(folder=folder))
    command = [sys.executable, "-c", "from strikebox.cli import main; main()", "serve", "--port", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (
        open(folder / "log", "w") as log,
        subprocess.Popen(
            [*command, "--config", str(folder / "strikebox.toml")],
            stdout=subprocess.PIPE, stderr=log, text=True, env=environment,
        ) as served,
    ):  # fmt: skip
        assert served.stdout is not None
        first = served.stdout.readline()
        found = re.match(r"http://\S+", first)
        assert found is not None, (first, (folder / "log").read_text())
        threading.Thread(target=served.stdout.read, daemon=True).start()
        yield found[0].rstrip("/")
        served.terminate()
        served.wait(60)


@contextmanager
def serving(folder: Path, **sections: object) -> Iterator[tuple[str, Site]]:
    """A site of its own in this process, without a worker: its address, and the site."""
    site = opened(folder, **sections)
    with serving_app(create_app(site)) as address:
        yield address, site
    site.close()


@contextmanager
def serving_app(app: FastAPI) -> Iterator[str]:
    """An app on a free port, in this process; its address."""
    server = uvicorn.Server(
        uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.05)
    (listener,) = server.servers[0].sockets
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join()


class Cable:
    """Carries connections to a server until they are cut; notes where browsers say they broke off."""

    def __init__(self, address: str) -> None:
        host, _, port = address.removeprefix("http://").partition(":")
        self._server, self._ends = (host, int(port)), list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.resumed: list[int] = []  # versions that browsers came back with
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """Break every connection."""
        while self._ends:
            end = self._ends.pop()
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                near, far = self._listener.accept()[0], socket.create_connection(self._server)
                self._ends += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=pair, daemon=True).start()

    def _carry(self, start: socket.socket, end: socket.socket) -> None:
        with suppress(OSError):
            while content := start.recv(65536):
                self.resumed += map(int, re.findall(rb"(?i)last-event-id: (\d+)", content))
                end.sendall(content)
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
