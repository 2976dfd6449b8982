"""What tests in a browser share: sites of their own, and the kinds of things that fixtures give."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
