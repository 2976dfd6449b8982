"""A site with a million pictures: milliseconds of each page, memory of the web process, and of keeping house.

    python benchmarks/million.py --out benchmarks/results/million.json

Rows without files, in SQLite: a million pictures with two words each, and for every third one an order of the
last month and a vote.
Each page is asked for ten times in a row; milliseconds include HTTP on this machine.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
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

from strikebox.jobs.schema import batches, estimates, jobs, orders, pictures, reservations, votes, words
from strikebox.site import retention
from strikebox.site.context import Site

TIMES = 10
_AT_ONCE = 5_000
_DAY = 86400.0


def fill_orders(site: Site, count: int, dice: random.Random) -> None:
    """Finished jobs of 31 days with all that is kept of them, and a vote for every third picture."""
    now = time.time()
    common = {
        "kind": "picture",
        "batch": site.recipe.hash,
        "payload": {"subject": "cat", "seed": 1},
        "result": {},
    }
    for start in range(0, count, _AT_ONCE):
        rows = [
            (f"f{n:031x}", now - 31 * _DAY * dice.random())
            for n in range(start, min(start + _AT_ONCE, count))
        ]
        per_table: dict[sa.Table, list[dict[str, Any]]] = {
            jobs: [
                {"id": id, "state": "done", "created": at, "finished": at + 9, **common} for id, at in rows
            ],
            orders: [
                {"job": id, "client": f"c{n % 9999}", "network": f"n{n % 999}", "created": at}
                for n, (id, at) in enumerate(rows)
            ],
            estimates: [
                {"job": id, "created": at, "seconds": 9.0, "actual": 9.0, "finished": at + 9}
                for id, at in rows
            ],
            reservations: [{"job": id, "day": "2026-11-01", "reserved": 1, "settled": at} for id, at in rows],
            batches: [
                {"worker": "w", "batch": site.recipe.hash, "pictures": 4, "seconds": 9.0, "finished": at}
                for _, at in rows[::4]
            ],
            votes: [
                {"picture": f"{n:032x}", "client": f"c{n % 9999}", "created": at}
                for n, (_, at) in enumerate(rows, start=start)
            ],
        }
        with site.database.writing() as connection:
            for table, values in per_table.items():
                connection.execute(sa.insert(table), values)


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
    import base64

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
        serving.fill(site, args.pictures, random.Random(0))
        fill_orders(site, args.pictures // 3, random.Random(1))
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
