"""A site with a million pictures: milliseconds of each page, memory of the web process, and of keeping house.

    python benchmarks/million.py --out benchmarks/results/million.json

Rows without files, in SQLite: a million pictures with two words each, and for every third one an order of the
last month and a vote.
Each page is asked for ten times in a row; milliseconds include HTTP on this machine.
"""

from __future__ import annotations

import argparse
import base64
import http.client
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "site"))

import filled
import numpy as np
import serving
import sqlalchemy as sa
from ablation import machine

from strikebox.jobs.schema import pictures, words
from strikebox.site import retention
from strikebox.site.context import Site

TIMES = 10


def fill(site: Site, count: int) -> None:
    """`count` pictures of the last hundred days, the first of them published as a worker does it."""
    filled.publish(site, f"{0:032x}", "cat in the forest")
    things = {"n": count - 1, "now": time.time(), "recipe": site.recipe.hash}
    own = {
        "id": "printf('%032x', n)",
        "subject": "thing || ' and ' || place",
        "seed": "n",
        "created": ":now - hash % 8640000",
        "votes": "hash % 7",
        "hall": "CASE WHEN n % 1000 = 0 THEN :now - n END",
    }
    chosen = ", ".join(own.get(column.name, f"first.{column.name}") for column in pictures.c)
    with site.database.writing() as connection:
        _names(connection)
        connection.execute(
            sa.text(f"{_DRAWN} INSERT INTO pictures SELECT {chosen} FROM drawn, pictures first"), things
        )
        for word in ("thing", "place"):
            rows = f"SELECT {word}, printf('%032x', n) FROM drawn ORDER BY 1, 2"
            connection.execute(sa.text(f"{_DRAWN} INSERT INTO words (word, picture) {rows}"), things)
        for statement in _ORDERED:
            values = {**things, "n": count // 3}
            connection.execute(sa.text(f"{_PAST} {statement}"), values)


def _names(connection: sa.Connection) -> None:
    """The words of subjects, as a table that is gone with the connection."""
    connection.exec_driver_sql("CREATE TEMP TABLE names (kind, number, name)")
    rows = [("thing", n, name) for n, name in enumerate(serving.THINGS)]
    rows += [("place", n, name) for n, name in enumerate(serving.PLACES)]
    for row in rows:
        connection.exec_driver_sql("INSERT INTO names VALUES (?, ?, ?)", row)


# A number from each row's own: Knuth's multiplicative hash, so that every filling is the same.
_NUMBERS = (
    "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :n), "
    "hashed AS (SELECT n, n * 2654435761 % 4294967296 AS hash FROM numbers)"
)
_DRAWN = (
    f"{_NUMBERS}, drawn AS (SELECT n, hash, "
    f"(SELECT name FROM names WHERE kind = 'thing' AND number = hash % {len(serving.THINGS)}) AS thing, "
    f"(SELECT name FROM names WHERE kind = 'place' AND number = hash / 4096 % {len(serving.PLACES)}) "
    "AS place FROM hashed)"
)
_PAST = (
    f"{_NUMBERS}, past AS (SELECT n, printf('f%031x', n) AS job, 'c' || hash % 9999 AS client, "
    "'n' || hash % 999 AS network, :now - hash % 2678400 AS at FROM hashed)"
)
_JOBS = "SELECT job, 'picture', :recipe, '{}', 'done', at, at + 9, '{}' FROM past"
_BATCHES = "SELECT 'w', :recipe, 4, 9, at FROM past WHERE n % 4 = 0"
_ORDERED = (
    "INSERT INTO jobs (id, kind, batch, payload, state, created, finished, result) " + _JOBS,
    "INSERT INTO orders (job, client, network, created) SELECT job, client, network, at FROM past",
    "INSERT INTO estimates (job, created, seconds, actual, finished) SELECT job, at, 9, 9, at + 9 FROM past",
    "INSERT INTO reservations (job, day, reserved, settled) SELECT job, '2026-11-01', 1, at FROM past",
    "INSERT INTO batches (worker, batch, pictures, seconds, finished) " + _BATCHES,
    "INSERT INTO votes (picture, client, created) SELECT printf('%032x', n), client, at FROM past",
)


def rare(site: Site) -> None:
    """A word of three pictures, and two words of many that are never together."""
    with site.database.writing() as connection:
        connection.execute(
            sa.insert(words), [{"word": "zeppelin", "picture": f"{n:032x}"} for n in (5, 50, 500)]
        )
        two = [{"word": "aaa" if n % 2 else "bbb", "picture": f"{n:032x}"} for n in range(1, 40_000)]
        connection.execute(sa.insert(words), two)


def pages(site: Site, count: int) -> dict[str, str]:
    """Name and address of what is asked for."""
    middle = f"{count // 2:032x}"
    with site.database.reading() as connection:
        created = connection.execute(
            sa.select(pictures.c.created).where(pictures.c.id == middle)
        ).scalar_one()
    deep = base64.urlsafe_b64encode(json.dumps([created, middle]).encode()).decode().rstrip("=")
    return {
        "home": "/",
        "gallery": "/gallery",
        "gallery, half a million down": f"/gallery?after={deep}",
        "gallery, best of the week": "/gallery?sort=week",
        "gallery, best of the month": "/gallery?sort=month",
        "gallery, best ever": "/gallery?sort=ever",
        "search, frequent word": "/gallery?q=cat",
        "search, two frequent words": "/gallery?q=owl+moon",
        "search, one letter": "/gallery?q=m",
        "search, rare word": "/gallery?q=zeppelin",
        "search, two that are never together": "/gallery?q=aaa+bbb",
        "search, frequent word, best of the week": "/gallery?sort=week&q=cat",
        "search, nothing found": "/gallery?q=xylophone",
        "hall": "/hall",
        "picture": f"/pictures/{middle}",
        "feed": "/feed.atom",
        "API, list": "/api/v1/pictures",
        "about": "/about",
        "metrics": "/metrics",
        "ready": "/readyz",
    }


def ask(port: int, path: str) -> dict[str, float]:
    """Milliseconds of the first time, of the middle one and of the slowest one after it."""
    spent: list[float] = []
    for _ in range(TIMES):
        started = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        connection.close()
        assert answer.status == 200, f"{path}: {answer.status}"
        spent.append(1000 * (time.perf_counter() - started))
    first, *others = spent
    return {"first": round(first, 1), "p50": round(float(np.median(others)), 1), "max": round(max(others), 1)}


def served(site: Site, folder: Path, count: int, port: int) -> dict[str, Any]:
    """Milliseconds by page, and MiB of the web process."""
    strikebox = str(Path(sys.executable).parent / "strikebox")
    command = [strikebox, "serve", "--workers", "0", "--port", str(port), "--recipe", "soft"]
    environment = {**os.environ, "STRIKEBOX_STORAGE__FOLDER": str(folder)}
    log = folder.parent / "log"
    with log.open("w") as to, subprocess.Popen(command, stdout=to, stderr=to, env=environment) as server:
        try:
            serving._wait(port)
            ask(port, "/about")
            before = serving.memory(server.pid)
            found = {name: ask(port, path) for name, path in pages(site, count).items()}
            after, peak = serving.memory(server.pid), _peak(server.pid)
        finally:
            server.terminate()
    memory = {"before": round(before), "after": round(after), "peak": round(peak)}
    return {"milliseconds": found, "memory_mib": memory}


def kept_house(site: Site) -> dict[str, float]:
    """Seconds of a round of forgetting, as a worker does once an hour, and MiB that this process grew by."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    started = time.perf_counter()
    retention.keep(site)
    first, started = time.perf_counter() - started, time.perf_counter()
    retention.keep(site)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    second = time.perf_counter() - started
    return {"first_seconds": round(first, 2), "second_seconds": round(second, 2), "grown_mib": round(grown)}


def _peak(pid: int) -> float:
    """MiB that a process held at most (Linux)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=1_000_000)
    parser.add_argument("--port", type=int, default=8180)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/million.json"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "site"
        started = time.monotonic()
        site = filled.opened(folder)
        fill(site, args.pictures)
        rare(site)
        figures: dict[str, Any] = {"machine": machine(), "pictures": args.pictures}
        figures["filled_seconds"] = round(time.monotonic() - started)
        figures["database_mib"] = round((folder / "site.sqlite").stat().st_size / 2**20)
        print(json.dumps(figures), flush=True)
        figures |= served(site, folder, args.pictures, args.port)
        figures["retention"] = kept_house(site)
        site.close()
    args.out.write_text(json.dumps(figures, indent=1) + "\n")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
