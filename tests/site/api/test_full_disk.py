"""A disk that is really full: a file system of a few megabytes, filled to the last byte."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from disks import fill, small_disk
from fastapi.testclient import TestClient

from strikebox.errors import StoreError
from strikebox.site.context import Site
from strikebox.site.pictures import Picture
from strikebox.site.settings import StorageSection

__all__ = ["small_disk"]

_MOST = 400  # orders; the room that the database has taken already holds some


@pytest.fixture
def site(open_one: Callable[..., Site], small_disk: Path) -> Site:
    return open_one(storage=StorageSection(folder=small_disk / "site"))


def until_refused(web: TestClient) -> tuple[int, Any]:
    """How many orders were taken, and the answer to the one that was not."""
    for taken in range(_MOST):
        told = web.post("/api/v1/jobs", json={"subject": "cat" * 60})
        if told.status_code != 202:
            return taken, told
    raise AssertionError("the disk was never full")


def test_orders_wait_pages_stay_and_nothing_is_lost(
    web: TestClient, site: Site, small_disk: Path, finish: Callable[..., Picture]
) -> None:
    web.post("/api/v1/jobs", json={"subject": "cat"})
    picture = finish()
    ballast = fill(small_disk)
    taken, told = until_refused(web)
    assert (told.status_code, told.json()["code"]) == (503, "database-unavailable")
    assert int(told.headers["retry-after"]) > 0 and str(small_disk) not in told.text
    page = web.post("/make", data={"subject": "cat"}, headers={"Accept": "text/html"})
    assert page.status_code == 503 and "retry-after" in page.headers and "Traceback" not in page.text

    for path in ("/", "/gallery", f"/pictures/{picture.id}", f"/pictures/{picture.id}.png", "/about"):
        assert web.get(path).status_code == 200, path
    assert (web.get("/readyz").status_code, web.get("/healthz").status_code) == (503, 200)
    with pytest.raises(StoreError, match="the disk is full; make room"):
        site.media.put(os.urandom(100_000), "png")

    ballast.unlink()
    assert site.queue.count().get("waiting", 0) == taken, "what was promised is there, the rest is not"
    assert web.post("/api/v1/jobs", json={"subject": "cat"}).status_code == 202
    assert site.queue.count()["waiting"] == taken + 1
    assert finish().is_public
