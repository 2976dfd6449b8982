"""What tests in a browser share: sites of their own, a cable to cut, and kinds of what fixtures give."""

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import uvicorn
from filled import opened
from playwright.sync_api import Page

from strikebox.site.app import create_app
from strikebox.site.context import Site

SUBJECTS = [*(f"owl number {n}" for n in range(58)), "рыжая лиса", "a very long subject " * 9]

NewPage = Callable[..., Page]


@contextmanager
def serving(folder: Path, **sections: object) -> Iterator[tuple[str, Site]]:
    """A site of its own in this process, without a worker: its address, and the site."""
    site = opened(folder, **sections)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(site), host="127.0.0.1", port=0, log_config=None, timeout_graceful_shutdown=1
        )
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.05)
    (listener,) = server.servers[0].sockets
    yield f"http://127.0.0.1:{listener.getsockname()[1]}", site
    server.should_exit = True
    thread.join()
    site.close()


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
