"""A real site on a real SQLite file, its app, and somebody who does the worker's part."""

import io
import threading
import time
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from structlog.testing import capture_logs

from strikebox.errors import LeaseLost
from strikebox.recipe import dumps
from strikebox.site.app import create_app
from strikebox.site.context import Site, open_site
from strikebox.site.passwords import hash_password
from strikebox.site.pictures import Picture, PictureState
from strikebox.site.settings import (
    AdminSection,
    BudgetSection,
    LimitsSection,
    RecipeSection,
    Settings,
    StorageSection,
)

PASSWORD = "correct horse"
_HASH = hash_password(PASSWORD)

OpenSite = Callable[..., Site]
Finish = Callable[..., Picture]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Room for everybody: tests of limits bring their own."""
    return Settings(
        storage=StorageSection(folder=tmp_path / "site"),
        recipe=RecipeSection(name="soft"),
        budget=BudgetSection(dollars_per_day=100.0),
        limits=LimitsSection(
            burst=1000, per_day=10_000, network_per_day=10_000, queue=5000, proof_of_work="off"
        ),
        admin=AdminSection(password_hash=_HASH),
    )


@pytest.fixture
def open_one(settings: Settings) -> Iterator[OpenSite]:
    """Opens a site with some sections replaced."""
    opened: list[Site] = []

    def open_it(**sections: object) -> Site:
        opened.append(open_site(settings.model_copy(update=sections)))
        return opened[-1]

    yield open_it
    for site in opened:
        site.close()


@pytest.fixture(autouse=True)
def events() -> Iterator[list[MutableMapping[str, Any]]]:
    """What is logged."""
    with capture_logs() as caught:
        yield caught


@pytest.fixture
def site(open_one: OpenSite) -> Site:
    return open_one()


@pytest.fixture
def app(site: Site) -> FastAPI:
    return create_app(site)


@pytest.fixture
def web(app: FastAPI) -> TestClient:
    """Answers as the outside sees them: what is raised is not raised here."""
    return TestClient(app, raise_server_exceptions=False, follow_redirects=False)


def png(seed: int = 0) -> bytes:
    """A small picture."""
    pixels = np.random.default_rng(seed).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def finish_next(site: Site, state: PictureState = "public") -> Picture | None:
    """Do the next job as a worker does: files, then one transaction."""
    jobs = site.queue.lease("tester", 1, ["picture"])
    if not jobs:
        return None
    (job,) = jobs
    recipe = site.recipe
    picture = Picture(
        id=job.id,
        state=state,
        subject=str(job.payload["subject"]),
        prompts=("a prompt",),
        seed=int(str(job.payload["seed"])),
        recipe=recipe.name,
        recipe_hash=recipe.hash,
        toml=dumps(recipe),
        model={"name": "toy", "hash": "0", "lora_name": None, "lora_hash": None},
        width=32,
        height=32,
        file=site.media.put(png(), "png"),
        thumbnail=site.media.put(b"webp", "webp"),
        enlarged=None,
        created=0.0,
        votes=0,
        hall=None,
        maker=job.client,
        finding=None if state == "public" else "leak: a copy",
        forwards=8,
        flops=10**9,
        seconds=0.5,
        dollars=0.0001,
    )
    with site.database.writing() as connection:
        if state == "public":
            site.queue.finish_in(connection, job, {"picture": job.id})
        else:
            site.queue.fail_in(connection, job, "leak: it was withheld")
        site.budget.settle(connection, job.id, 0.0001)
        site.pictures.publish(connection, picture)
    return site.pictures.find(job.id)


@pytest.fixture
def finish(site: Site) -> Finish:
    """Finishes the next job of the site."""

    def finish_one(state: PictureState = "public") -> Picture:
        picture = finish_next(site, state)
        assert picture is not None, "nothing waits"
        return picture

    return finish_one


@contextmanager
def working(site: Site) -> Iterator[None]:
    """Jobs are done as they come."""
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.02):
            with suppress(LeaseLost):  # cancelled meanwhile
                finish_next(site)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """A real server on a free port; its address."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_config=None, proxy_headers=False))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture
def worker(site: Site) -> Iterator[None]:
    with working(site):
        yield


@pytest.fixture
def served(app: FastAPI) -> Iterator[str]:
    with serving(app) as place:
        yield place
