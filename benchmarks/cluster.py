"""The 75 pictures by one actor, by two, and by two plain processes that take the same groups in order.

    python benchmarks/cluster.py --out benchmarks/results/cluster.json
    python benchmarks/cluster.py --actors 2 --device cuda --model DIRECTORY --lora FILE

Each way is timed from the moment when all weights are loaded until the last picture is on the disk, and the
ways take turns, so that a machine that grows busier meanwhile slows all of them alike. An actor has one core
where there is no GPU. Run it on a machine that does nothing else; the load beside the figures says whether
that was so. The share of their time that actors spend generating tells what is lost to waiting, whatever the
load. Bars: two actors at least 1.7 times as fast as one (1.9 with two GPUs), and at most 5 % slower than
plain processes.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from multiprocessing.connection import Connection, wait
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from ablation import machine

from strikebox.api import spread
from strikebox.api.spread import Weights
from strikebox.cluster import ablate as spreading
from strikebox.cluster.joining import joined
from strikebox.cluster.pool import open_pool
from strikebox.cluster.studio import Loaded, Made, Studio
from strikebox.generation.groups import make_groups
from strikebox.generation.plan import Cell
from strikebox.lab import design as designs
from strikebox.lab import run
from strikebox.lab.design import Design
from strikebox.store import RunFolder

BATCH = 8
Load = Callable[[], Loaded]


def by_ray(design: Design, load: Load, actors: int, address: str, folder: Path) -> float:
    """Seconds of a run by so many actors."""
    with joined(address) as ray, open_pool(ray, load, actors=actors) as pool:
        until_all_are_loaded(pool)
        started = perf_counter()
        spreading.ablate(design, folder, pool, batch_size=BATCH)
        return perf_counter() - started


def until_all_are_loaded(pool: Any) -> None:
    """A pool begins as soon as one is; here all count."""
    while any(place.answer is not None for place in pool._places):
        pool._take_one(None)


def by_processes(design: Design, load: Load, processes: int, folder: Path) -> float:
    """Seconds of the same by plain processes, pipes and the same order of groups."""
    context = multiprocessing.get_context("spawn")
    ends: list[Connection] = []
    started: list[Any] = []
    for number in range(processes):
        here, there = context.Pipe()
        worker = context.Process(target=serve, args=(there, load, number), daemon=True)
        worker.start()
        ends.append(here)
        started.append(worker)
    facts, *_ = (end.recv() for end in ends)
    begun = perf_counter()
    with run.writing(design, facts.model, folder, settings=facts.settings, spectrum=facts.spectrum) as (
        plan,
        store,
    ):
        groups = make_groups(plan, plan.cells, batch=BATCH, places=processes)
        todo = iter(groups)
        busy = {end for end in ends if give(end, todo)}
        while busy:
            for end in wait(busy):
                made: Made = end.recv()  # type: ignore[union-attr]
                if not give(end, todo):  # type: ignore[arg-type]
                    busy.remove(end)  # type: ignore[arg-type]
                store.spend(made.seconds)
                for record in made.records:
                    store.pictures.put(made.pictures[record.picture])
                    store.write_cell(record)
    seconds = perf_counter() - begun
    for worker in started:
        worker.terminate()
    return seconds


def give(end: Connection, todo: Any) -> bool:
    group = next(todo, None)
    if group is not None:
        end.send(group.cells)
    return group is not None


def serve(end: Connection, load: Load, number: int) -> None:
    if "CUDA_VISIBLE_DEVICES" not in os.environ:
        os.environ["CUDA_VISIBLE_DEVICES"] = str(number)
    studio = Studio(load)
    end.send(studio.facts())
    while True:
        cells: tuple[Cell, ...] = end.recv()
        end.send(studio.make(cells, BATCH))


def alike(one: Path, other: Path) -> bool:
    """Whether two runs hold the very same pictures."""
    names = [sorted(path.name for path in (folder / "pictures").iterdir()) for folder in (one, other)]
    return names[0] == names[1]


def main() -> None:
    args = parsed()
    os.environ["OMP_NUM_THREADS"] = "1"  # of every process that is started from here
    design, before = small(args.pictures), os.getloadavg()[0]
    load = partial(spread._load, Weights(args.model, args.lora, args.device, args.dtype, "exact", None), 1)
    ways: dict[str, Callable[[Path], float]] = {
        "one actor": lambda folder: by_ray(design, load, 1, args.ray, folder),
        "actors": lambda folder: by_ray(design, load, args.actors, args.ray, folder),
        "processes": lambda folder: by_processes(design, load, args.actors, folder),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    generating: dict[str, list[float]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as place:
        for number in range(args.rounds):
            for name, take in ways.items():
                folder = Path(place) / f"{name}-{number}"
                took[name].append(round(take(folder), 2))
                at_once = 1 if name == "one actor" else args.actors
                generating[name].append(round(RunFolder(folder).seconds() / took[name][-1] / at_once, 3))
                print(name, took[name][-1], "s, generating", generating[name][-1], flush=True)
        same = alike(Path(place) / "actors-0", Path(place) / "processes-0")
    one, ours, plain = (median(times) for times in took.values())
    result = {
        "machine": machine(),
        "at": datetime.now().isoformat(timespec="minutes"),
        "load_average": [round(before, 1), round(os.getloadavg()[0], 1)],
        "device": args.device,
        "actors": args.actors,
        "pictures": len(design.recipes) * len(design.subjects) * len(design.seeds),
        "seconds": took,
        "share_of_time_generating": generating,
        "speedup_over_one_actor": round(one / ours, 2),
        "overhead_over_processes": round(ours / plain - 1, 3),
        "same_pictures_as_processes": same,
    }
    args.out.parent.mkdir(parents=True, exist_ok=True)
    args.out.write_text(json.dumps(result, indent=1) + "\n")
    print(json.dumps({key: result[key] for key in list(result)[-3:]}))


def small(pictures: int) -> Design:
    """The seed design with as many of its subjects as make so many pictures."""
    seed = designs.load("seed")
    each = len(seed.recipes) * len(seed.seeds)
    return replace(seed, subjects=seed.subjects[: max(1, pictures // each)])


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/cluster.json"))
    parser.add_argument("--actors", type=int, default=2, help="beside one")
    parser.add_argument("--rounds", type=int, default=3, help="the median counts")
    parser.add_argument("--pictures", type=int, default=75, help="15, 30, 45, 60 or 75")
    parser.add_argument("--ray", default="local", help="address of a cluster")
    parser.add_argument("--device", default="cpu", help="cpu, or cuda: one GPU an actor")
    parser.add_argument("--dtype", default="auto")
    parser.add_argument("--model", default=None)
    parser.add_argument("--lora", default=None)
    return parser.parse_args()


if __name__ == "__main__":
    main()
