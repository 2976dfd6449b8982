"""A site of many pictures, moved from SQLite to PostgreSQL while it is read, then served from there.

    python benchmarks/moving.py [--pictures 10000] [--readers 4] [--s3]

Readers ask the site for pages and files while `strikebox db copy` runs in a process of its own; a picture a
second is published meanwhile. Then publishing ends, the copy is brought up to date, and readers read the new
site. A read that fails, or a row or file that differs, ends it with a traceback.
"""

import argparse
import json
import logging
import os
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import quantiles
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "jobs"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "site"))

import databases
import sqlalchemy as sa
import structlog
from fastapi.testclient import TestClient
from filled import png, settings, webp

from strikebox.jobs.schema import pictures
from strikebox.site.app import create_app
from strikebox.site.context import Site, open_site
from strikebox.site.pictures import add_words
from strikebox.site.settings import Settings, StorageSection

_RESULTS = Path(__file__).parent / "results" / "moving.json"
_SUBJECTS = ("red cat", "owl at night", "small boat", "старый фонарь", "рыжий кот")
_AT_ONCE = 500  # pictures published in one transaction


@dataclass
class Reads:
    """What readers saw."""

    taken: list[float] = field(default_factory=list)  # seconds
    failed: list[str] = field(default_factory=list)

    def summary(self) -> dict[str, object]:
        hundredths = quantiles(self.taken, n=100)
        return {
            "reads": len(self.taken),
            "failed": len(self.failed),
            "median_ms": round(1000 * hundredths[49], 1),
            "p99_ms": round(1000 * hundredths[98], 1),
        }


def fill(site: Site, count: int, first: int = 0) -> None:
    """Pictures as workers publish them, each with files of its own."""
    for start in range(first, first + count, _AT_ONCE):
        numbers = range(start, min(start + _AT_ONCE, first + count))
        rows = [row(site, number) for number in numbers]
        with site.database.writing() as connection:
            connection.execute(sa.insert(pictures), rows)
            for made in rows:
                add_words(connection, str(made["id"]), str(made["subject"]))


def row(site: Site, number: int) -> dict[str, object]:
    return {
        "id": f"{number:032x}",
        "state": "public",
        "subject": f"{_SUBJECTS[number % len(_SUBJECTS)]} {number}",
        "prompts": ["a prompt"],
        "seed": number,
        "recipe": site.recipe.name,
        "recipe_hash": site.recipe.hash,
        "model": {"name": "toy", "hash": "0", "lora_name": None, "lora_hash": None},
        "width": 64,
        "height": 64,
        # What follows the picture makes each file another one, and is skipped by those that read it.
        "file": site.media.put(png(number) + str(number).encode(), "png"),
        "thumbnail": site.media.put(webp(number % 1000) + str(number).encode(), "webp"),
        "created": time.time() - number / 1000,
        "forwards": 56,
        "flops": 10**11,
        "seconds": 2.9,
        "dollars": 0.0001,
    }


@contextmanager
def reading(site: Site, readers: int, most: int) -> Iterator[Reads]:
    """People who look at pages and files, within."""
    over, reads = threading.Event(), Reads()
    web = TestClient(create_app(site), raise_server_exceptions=False)

    def read(seed: int) -> None:
        number = seed
        while not over.is_set():
            number = (number * 7919 + 1) % most
            id = f"{number:032x}"
            for path in (
                "/gallery",
                f"/pictures/{id}",
                f"/pictures/{id}.png",
                f"/pictures/{id}/thumbnail.webp",
            ):
                began = time.perf_counter()
                answer = web.get(path)
                reads.taken.append(time.perf_counter() - began)
                if answer.status_code != 200:
                    reads.failed.append(f"{path}: {answer.status_code}")
            over.wait(0.05)

    threads = [threading.Thread(target=read, args=(seed,)) for seed in range(1, readers + 1)]
    for thread in threads:
        thread.start()
    try:
        yield reads
    finally:
        over.set()
        for thread in threads:
            thread.join()


@contextmanager
def publishing(site: Site, first: int) -> Iterator[list[int]]:
    """A picture a second, within."""
    over, made = threading.Event(), list[int]()

    def publish() -> None:
        while not over.wait(1.0):
            fill(site, 1, first + len(made))
            made.append(first + len(made))

    thread = threading.Thread(target=publish)
    thread.start()
    try:
        yield made
    finally:
        over.set()
        thread.join()


def command(*words: object) -> tuple[float, float, dict[str, object]]:
    """`strikebox db`: seconds, greatest memory in MiB, and what it says."""
    code = (
        "import resource, sys; from strikebox.cli import main\n"
        "try: main()\n"
        "finally: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", code, "db", *map(str, words), "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    memory = int(done.stderr.split()[-1]) / 1024
    return round(time.perf_counter() - began, 1), round(memory), json.loads(done.stdout)


def moved(asked: Settings, target: str, place: str, count: int, readers: int) -> dict[str, object]:
    site = open_site(asked)
    began = time.perf_counter()
    fill(site, count)
    result: dict[str, object] = {
        "pictures": count,
        "readers": readers,
        "filled_s": round(time.perf_counter() - began),
    }
    words = ("copy", asked.database, target, "--pictures", asked.pictures, place)
    with reading(site, readers, count) as reads, publishing(site, count) as made:
        seconds, memory, said = command(*words)
    result["while_serving"] = {
        "seconds": seconds,
        "peak_mib": memory,
        "published_meanwhile": len(made),
        **summed(said),
    }
    result["readers_meanwhile"] = reads.summary()
    seconds, memory, said = command(*words)
    result["again_standing_still"] = {"seconds": seconds, "peak_mib": memory, **summed(said)}
    assert not reads.failed, reads.failed[:5]
    site.close()
    storage = StorageSection(folder=asked.storage.folder.parent / "new", database=target, pictures=place)
    new = open_site(settings(storage.folder, storage=storage))
    with reading(new, readers, count + len(made)) as reads:
        time.sleep(10)
    assert not reads.failed, reads.failed[:5]
    result["readers_of_the_new_site"] = reads.summary()
    seconds, memory, said = command("check", target, "--pictures", place)
    result["checked"] = {"seconds": seconds, "peak_mib": memory, "looked": said["looked"]}
    new.close()
    return result


def summed(said: dict[str, object]) -> dict[str, object]:
    tables: list[dict[str, object]] = said["tables"]  # type: ignore[assignment]
    return {
        "rows": sum(table["digest"]["rows"] for table in tables),  # type: ignore[index,misc]
        "rows_written": sum(table["changed"] for table in tables),  # type: ignore[misc]
        "files_verified": said["files"],
        "files_copied": said["copied"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--pictures", type=int, default=10_000)
    parser.add_argument("--readers", type=int, default=4)
    parser.add_argument("--s3", action="store_true", help="move the files to SeaweedFS, too")
    parser.add_argument("--out", type=Path, default=_RESULTS)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="moving-")))
        server = stack.enter_context(contextmanager(databases.serve)())
        target = databases.empty_on(server)
        place = s3(stack) if asked.s3 else str(folder / "files")
        result = moved(settings(folder / "old"), target, place, asked.pictures, asked.readers)
    key = "to PostgreSQL and S3" if asked.s3 else "to PostgreSQL and another folder"
    results = json.loads(asked.out.read_text()) if asked.out.exists() else {}
    load = round(os.getloadavg()[0], 1)
    machine = {"cores": os.cpu_count(), "date": time.strftime("%Y-%m-%d"), "load_at_the_end": load}
    machine["site_peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    results[key] = {**machine, **result}
    asked.out.write_text(json.dumps(results, indent=1) + "\n")
    print(json.dumps(results[key], indent=1))


def s3(stack: ExitStack) -> str:
    from stores import serve

    stack.enter_context(contextmanager(serve)())
    return "s3://pictures/moved"


if __name__ == "__main__":
    main()
