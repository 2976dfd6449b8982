"""How far off `strikebox capacity` is: a real site for some minutes, and the same orders simulated.

    python benchmarks/capacity_check.py --minutes 5 --out benchmarks/results/capacity_check.json

`embedded`: `strikebox serve` with klein-nano, one worker and every check, orders by HTTP. `three`: three
worker processes whose model sleeps instead of computing, so that they do not share the cores. The simulation
gets the moments of the orders, and batches measured in that very run: other work slows both alike.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "worker"))

import httpx2 as httpx
import numpy as np
import sqlalchemy as sa
import toys
from ablation import machine
from readiness import until_ready

from strikebox.jobs import Database
from strikebox.jobs.schema import batches, estimates, jobs, orders
from strikebox.site.capacity.measured import measured, recorded
from strikebox.site.capacity.scenario import Fleet, House, Kind, Scenario
from strikebox.site.capacity.simulation import simulate
from strikebox.site.capacity.traffic import Visitors

LOAD = 0.8  # of what the workers can make in full batches
BATCH = 4
FIRST = (1, 1, 1, 1, 8)  # pictures at once before, from which the load is set
STEP = 0.1  # seconds that a sleeping model takes a step
REPLICATIONS = 40
SETTINGS = {
    "STRIKEBOX_LIMITS__TRUSTED_HOPS": "1",
    "STRIKEBOX_LIMITS__PROOF_OF_WORK": "off",
    "STRIKEBOX_LIMITS__QUEUE": "10000",
    "STRIKEBOX_RECIPE__NAME": "soft",
    "STRIKEBOX_BUDGET__DOLLARS_PER_DAY": "1000",
}
Place = Callable[[int], None]


@contextmanager
def embedded(folder: Path, port: int) -> Iterator[Place]:
    """A whole site with klein-nano; each order comes from a network of its own."""
    strikebox = str(Path(sys.executable).parent / "strikebox")
    environment = {**os.environ, **SETTINGS, "STRIKEBOX_STORAGE__FOLDER": str(folder)}
    address = f"http://127.0.0.1:{port}"

    def place(number: int) -> None:
        origin = f"10.{number >> 8 & 255}.{number & 255}.1"
        body, headers = {"subject": "cat"}, {"X-Forwarded-For": origin}
        httpx.post(f"{address}/api/v1/jobs", json=body, headers=headers, timeout=60).raise_for_status()

    with (folder.parent / "log").open("w") as log:
        command = [strikebox, "serve", "--port", str(port)]
        server = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder.parent)
        try:
            until_ready(address)
            yield place
        finally:
            server.terminate()
            server.wait(60)


@contextmanager
def three(folder: Path, port: int) -> Iterator[Place]:
    """Three workers on one database."""
    site = toys.open_toy_site(folder)
    workers = [toys.start(folder, STEP) for _ in range(3)]
    try:
        toys.until(lambda: len(site.workers.alive()) == 3, seconds=120)
        yield lambda _: site.orders.place("cat", "c", network="n") and None
    finally:
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait(60)
        site.close()


def play(site: Callable[..., Any], gpus: int, minutes: float, port: int, seed: int) -> dict[str, Any]:
    """A real site under orders, and what the simulation says of it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "site"
        folder.mkdir()
        with site(folder, port) as place, Database(folder / "site.sqlite") as database:
            for number in FIRST:
                for one in range(number):
                    place(one)
                _all_end(database)
            began = time.time()
            rate = _order(database, place, gpus, minutes * 60, seed)
            _all_end(database)
            return {"gpus": gpus, "orders_a_second": round(rate, 3), **compare(database, gpus, began)}


def _order(database: Database, place: Place, gpus: int, seconds: float, seed: int) -> float:
    """Place orders at the moments that the dice say; how many a second."""
    (found,) = measured(database)
    rate = LOAD * gpus * BATCH / found.kind.seconds(BATCH)
    visitors = Visitors(a_day=rate * 86400)
    times = visitors.draw(0.0, seconds, (1.0,), np.random.default_rng(seed)).times
    began, threads = time.monotonic(), []
    for number, at in enumerate(times):
        time.sleep(max(began + at - time.monotonic(), 0))
        threads.append(threading.Thread(target=place, args=(number,)))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return rate


def compare(database: Database, gpus: int, began: float) -> dict[str, Any]:
    """Waits and pictures a second, real and simulated."""
    forget(database, began)
    waits, said, was, end = real(database)
    found = measured(database)
    scenario = Scenario(
        kinds=tuple(one.kind for one in found),
        orders=recorded(database, found),
        fleet=Fleet(gpus=gpus),
        house=House(batch=BATCH, queue=10_000),
    )
    outcomes = [simulate(scenario, seed) for seed in np.random.SeedSequence(0).spawn(REPLICATIONS)]
    kind, made = found[0].kind, [len(one.waits) / one.ended for one in outcomes]
    both = {
        f"wait_p{q}": {
            "real": round(float(np.percentile(waits, q)), 2),
            **_simulated([float(np.percentile(one.waits, q)) for one in outcomes]),
        }
        for q in (50, 95)
    }
    return {
        "orders": len(waits),
        "batch_seconds": {"fixed": kind.fixed, "each": kind.each, "spread": kind.spread},
        "slow_after_slow": alike(database, kind),
        **both,
        "busy": _simulated([one.busy / one.rented for one in outcomes]),
        "pictures_a_second": {"real": round(len(waits) / end, 3), **_simulated(made)},
        "told_visitors": {
            "p50": round(float(np.percentile(said, 50)), 2),
            "p95": round(float(np.percentile(said, 95)), 2),
            "wrong_by_p90": round(float(np.percentile(np.abs(said - was), 90)), 2),
        },
    }


def forget(database: Database, began: float) -> None:
    """What was made before the orders that count. The copy is thrown away afterwards."""
    with database.writing() as connection:
        for table, column in ((batches, "finished"), (orders, "created"), (estimates, "created")):
            connection.execute(sa.delete(table).where(table.c[column] < began))
        connection.execute(sa.delete(jobs).where(jobs.c.created < began))


def real(database: Database) -> tuple[np.ndarray, np.ndarray, np.ndarray, float]:
    """Seconds of waiting, seconds that were promised and that became of it, and until the last picture."""
    with database.reading() as connection:
        rows = connection.execute(sa.select(jobs.c.created, jobs.c.finished, jobs.c.state)).all()
        judged = connection.execute(sa.select(estimates.c.seconds, estimates.c.actual)).all()
    assert {row.state for row in rows} <= {"done", "failed"}, "something did not end"  # withheld has failed
    first = min(row.created for row in rows)
    waits = np.array([row.finished - row.created for row in rows])
    said, was = np.array([(row.seconds, row.actual) for row in judged]).T
    return waits, said, was, max(row.finished for row in rows) - first


def alike(database: Database, kind: Kind) -> float:
    """Correlation of a batch's slowness with that of the batch before."""
    query = sa.select(batches.c.pictures, batches.c.seconds).order_by(batches.c.finished)
    with database.reading() as connection:
        ratios = [row.seconds / kind.seconds(row.pictures) for row in connection.execute(query)]
    return round(float(np.corrcoef(ratios[:-1], ratios[1:])[0, 1]), 2)


def _simulated(values: list[float]) -> dict[str, float]:
    """The mean, and between what 95 of 100 simulations lie: a real run is one of them."""
    low, high = np.quantile(values, [0.025, 0.975])
    return {
        "simulated": round(float(np.mean(values)), 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
    }


def _all_end(database: Database) -> None:
    query = sa.select(sa.func.count()).where(jobs.c.state.in_(("waiting", "running")))
    for _ in range(6000):
        with database.reading() as connection:
            if connection.execute(query).scalar_one() == 0:
                return
        time.sleep(0.2)
    raise TimeoutError("orders were not made within 20 minutes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--port", type=int, default=8179)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/capacity_check.json"))
    args = parser.parse_args()
    figures: dict[str, Any] = {"machine": machine(), "minutes": args.minutes, "seed": args.seed}
    for name, site, gpus in (("three", three, 3), ("embedded", embedded, 1)):
        figures[name] = play(site, gpus, args.minutes, args.port, args.seed)
        print(name, json.dumps(figures[name]), flush=True)
        args.out.write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
