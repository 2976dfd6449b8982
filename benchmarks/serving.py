"""How fast the site serves, with a hundred thousand pictures and fifty people who read, and what it weighs.

    python benchmarks/serving.py --out benchmarks/results/serving.json
    python benchmarks/serving.py --minutes 60

Readers look at a page for a second or so before they open the next one. Milliseconds are the server's own,
from its log, after a first look at each page. Run it on a machine that does nothing else; readers and server
share its cores.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "site"))

import filled
import numpy as np
import sqlalchemy as sa
from ablation import machine

from strikebox.jobs.schema import pictures, words
from strikebox.site.context import Site

THINGS = (
    "cat", "dog", "fox", "bear", "owl", "rabbit", "horse", "cow", "pig", "duck", "frog", "tiger", "lion",
    "whale", "bee", "wolf", "deer", "rocket", "tree", "house",
)  # fmt: skip
PLACES = (
    "forest", "lantern", "moon", "snow", "river", "mountain", "garden", "night", "rain", "kitchen", "harbour",
    "train", "sky", "meadow", "tower",
)  # fmt: skip
PAGES = (
    "/", "/gallery", "/gallery?sort=week", "/gallery?sort=month", "/gallery?sort=ever", "/gallery?q=cat",
    "/gallery?q=owl+moon", "/hall", "/pictures/{id}", "/pictures/{id}", "/pictures/{id}", "/about",
)  # fmt: skip
PAUSE = (0.5, 1.5)  # seconds that a reader looks at a page
_AT_ONCE = 5_000


def fill(site: Site, count: int, dice: random.Random) -> None:
    """`count` pictures of two words each, of the last hundred days, with a few votes."""
    filled.publish(site, f"{0:032x}", "cat in the forest")
    with site.database.reading() as connection:
        like = dict(connection.execute(sa.select(pictures)).mappings().one())
    now = time.time()
    for start in range(1, count, _AT_ONCE):
        rows, said = [], []
        for number in range(start, min(start + _AT_ONCE, count)):
            subject = (dice.choice(THINGS), dice.choice(PLACES))
            rows.append({
                **like, "id": f"{number:032x}", "subject": " and ".join(subject), "seed": number,
                "created": now - dice.random() * 100 * 86400, "votes": int(dice.expovariate(0.5)),
                "hall": now - number if number % 1000 == 0 else None,
            })  # fmt: skip
            said += [{"word": word, "picture": f"{number:032x}"} for word in subject]
        with site.database.writing() as connection:
            connection.execute(sa.insert(pictures), rows)
            connection.execute(sa.insert(words), said)


def read(port: int, count: int, until: float, dice: random.Random) -> dict[str, list[int]]:
    """One reader until the clock says so: bytes of each answer by page, compressed as browsers ask for it."""
    sizes: defaultdict[str, list[int]] = defaultdict(list)
    while time.monotonic() < until:
        page = dice.choice(PAGES)
        sizes[page].append(look(port, page.format(id=f"{dice.randrange(count):032x}")))
        time.sleep(dice.uniform(*PAUSE))
    return sizes


def look(port: int, path: str) -> int:
    """Bytes of one page."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Accept-Encoding": "gzip"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    assert answer.status == 200, f"{path}: {answer.status}"
    return len(body)


def milliseconds(log: str) -> dict[str, dict[str, float]]:
    """By route, and of all pages: how many, the middle one, and the slowest but 5%."""
    spent: defaultdict[str, list[float]] = defaultdict(list)
    for line in log.splitlines():
        event = json.loads(line) if line.startswith("{") else {}
        if event.get("event") == "request":
            spent[event["route"]].append(event["ms"])
            spent["all"].append(event["ms"])
    return {
        route: {"n": len(ms), **{f"p{q}": round(float(np.percentile(ms, q)), 1) for q in (50, 95)}}
        for route, ms in sorted(spent.items())
    }


def memory(pid: int) -> float:
    """MiB that a process holds (Linux)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def weigh(pid: int, until: float) -> list[int]:
    """MiB that a process holds, once a minute."""
    found: list[int] = []
    while (left := until - time.monotonic()) > 60:
        time.sleep(60)
        found.append(round(memory(pid)))
    time.sleep(max(left, 0))
    return found


def measure(count: int, readers: int, seconds: float, port: int, folder: Path) -> dict[str, Any]:
    site = filled.opened(folder / "site")
    fill(site, count, random.Random(0))
    site.close()
    strikebox = str(Path(sys.executable).parent / "strikebox")
    command = [strikebox, "serve", "--workers", "0", "--port", str(port), "--recipe", "soft"]
    environment = {**os.environ, "STRIKEBOX_STORAGE__FOLDER": str(folder / "site")}
    log = folder / "log"
    with log.open("w") as to, subprocess.Popen(command, stdout=to, stderr=to, env=environment) as server:
        try:
            _wait(port)
            for page in PAGES:
                look(port, page.format(id=f"{0:032x}"))
            first, before = len(log.read_text("utf-8")), memory(server.pid)
            until = time.monotonic() + seconds
            with ThreadPoolExecutor(readers + 1) as pool:
                weighed = pool.submit(weigh, server.pid, until)
                found = list(pool.map(lambda n: read(port, count, until, random.Random(n)), range(readers)))
            after = memory(server.pid)
        finally:
            server.terminate()
    return {
        "pictures": count,
        "readers": readers,
        "seconds": seconds,
        "server_ms": milliseconds(log.read_text("utf-8")[first:]),
        "largest_bytes": {page: max(n for one in found for n in one[page]) for page in sorted(set(PAGES))},
        "memory_mib": {"before": round(before), "each_minute": weighed.result(), "after": round(after)},
    }


def _wait(port: int) -> None:
    for _ in range(300):
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            connection.getresponse().read()
            return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError("the site did not start within a minute")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--readers", type=int, default=50)
    parser.add_argument("--minutes", type=float, default=2)
    parser.add_argument("--port", type=int, default=8177)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/serving.json"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(args.pictures, args.readers, args.minutes * 60, args.port, Path(folder))
    args.out.write_text(json.dumps({"machine": machine(), **figures}, indent=1) + "\n")
    print(json.dumps(figures["server_ms"]["all"]), figures["memory_mib"])


if __name__ == "__main__":
    main()
