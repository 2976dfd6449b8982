"""Thirty people who order a picture in the same moment: what the site tells them, and what then happens.

    python benchmarks/makers.py --out benchmarks/results/makers.json

A whole site with its embedded model, one worker and every check, each maker in a network of its own. Pictures
are made before, so that the site has batches to tell from. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
from ablation import machine
from readiness import until_ready

ANIMALS = (
    "cat", "dog", "fox", "bear", "owl", "rabbit", "horse", "cow", "pig", "duck", "frog", "tiger", "lion",
    "whale", "bee",
)  # fmt: skip
FIRST = 8  # pictures one by one, and then as many at once, before anything is measured
POLL = 2.0  # seconds between two looks at a job, as a page without JavaScript reloads
SETTINGS = {"STRIKEBOX_LIMITS__TRUSTED_HOPS": "1", "STRIKEBOX_LIMITS__PROOF_OF_WORK": "off"}


class Maker:
    """One person in a network of their own."""

    def __init__(self, address: str, number: int) -> None:
        self._client = httpx.Client(
            base_url=address, headers={"X-Forwarded-For": f"10.1.{number}.1"}, timeout=60
        )
        self._subject = ANIMALS[number % len(ANIMALS)]

    def order(self) -> tuple[str, float | None, float]:
        """The job's id, the seconds that it is said to take, and when it was ordered."""
        at = time.monotonic()
        answer = self._client.post("/api/v1/jobs", json={"subject": self._subject})
        answer.raise_for_status()
        job = answer.json()
        return job["id"], job["seconds_left"], at

    def wait(self, id: str) -> tuple[str, float]:
        """How the job ended, and when."""
        while (state := self._state(id)) in ("waiting", "running"):
            time.sleep(POLL)
        return state, time.monotonic()

    def make(self) -> dict[str, Any]:
        id, told, at = self.order()
        state, done = self.wait(id)
        return {"told": told, "took": done - at, "state": state}

    def _state(self, id: str) -> str:
        return str(self._client.get(f"/api/v1/jobs/{id}").json()["state"])


def measure(makers: int, port: int, folder: Path) -> dict[str, Any]:
    strikebox = str(Path(sys.executable).parent / "strikebox")
    command = [strikebox, "serve", "--port", str(port)]
    environment = {**os.environ, **SETTINGS, "STRIKEBOX_STORAGE__FOLDER": str(folder / "site")}
    address = f"http://127.0.0.1:{port}"
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
        try:
            until_ready(address)
            people = [Maker(address, n) for n in range(makers)]
            for maker in people[:FIRST]:
                maker.make()
            with ThreadPoolExecutor(FIRST) as pool:
                list(pool.map(Maker.make, people[:FIRST]))
            started = time.monotonic()
            with ThreadPoolExecutor(makers) as pool:
                made = list(pool.map(Maker.make, people))
            spent = time.monotonic() - started
        finally:
            server.terminate()
            server.wait(60)
    return {"makers": makers, "seconds": round(spent, 1), **told(made)}


def told(made: list[dict[str, Any]]) -> dict[str, Any]:
    """How right the estimates were; good are those within 30% or 10 s."""
    known = [one for one in made if one["told"] is not None]
    wrong = np.array([abs(one["told"] - one["took"]) for one in known])
    share = wrong / np.array([one["took"] for one in known])
    return {
        "published": sum(one["state"] == "done" for one in made),
        "states": sorted({one["state"] for one in made}),
        "estimates": len(known),
        "estimates_good": int(((share <= 0.3) | (wrong <= 10)).sum()),
        "wrong_seconds_p90": round(float(np.quantile(wrong, 0.9)), 1),
        "wrong_share_p90": round(float(np.quantile(share, 0.9)), 2),
        "last_seconds": round(max(one["took"] for one in made), 1),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--makers", type=int, default=30)
    parser.add_argument("--port", type=int, default=8178)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/makers.json"))
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(args.makers, args.port, Path(folder))
    args.out.write_text(json.dumps({"machine": machine(), **figures}, indent=1) + "\n")
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
