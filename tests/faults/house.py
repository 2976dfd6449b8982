"""A site as its operator has it: a configuration, processes that run it, and records that must agree."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import sqlalchemy as sa
import toy_site

from strikebox.jobs import Job
from strikebox.jobs.schema import days, jobs, pictures, reservations
from strikebox.site.context import Site
from strikebox.site.media import sweep

Process = subprocess.Popen[bytes]

_CONFIG = """
[storage]
folder = "{folder}"
{database}
[recipe]
name = "soft"
[model]
batch = {batch}
[budget]
dollars_per_day = 1000.0
[limits]
burst = 100000
per_day = 1000000
network_per_day = 1000000
queue = 100000
proof_of_work = "off"
"""


@dataclass
class House:
    """One site in a folder. Processes that it started are gone when it is closed."""

    folder: Path
    database: str | None = None
    batch: int = 4
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    started: list[Process] = field(default_factory=list[Process])

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        named = "" if self.database is None else f'database = "{self.database}"'
        text = _CONFIG.format(folder=self.folder / "site", database=named, batch=self.batch)
        self.config.write_text(text)
        self.port = _free_port()

    @property
    def config(self) -> Path:
        return self.folder / "strikebox.toml"

    def command(self, *words: str) -> list[str]:
        return [sys.executable, toy_site.__file__, *words]

    def start(self, *words: str) -> Process:
        """`toy_site.py` with these words. What it says is in the folder's log."""
        with (self.folder / "log").open("ab") as log:
            environment = {**os.environ, **self.environment}
            process = subprocess.Popen(self.command(*words), stdout=log, stderr=log, env=environment)
        self.started.append(process)
        return process

    def serve(self) -> Process:
        return self.start("serve", str(self.config), str(self.port))

    def worker(self) -> Process:
        return self.start("worker", str(self.config), "0")

    def ask(self, method: str, path: str, body: object = None, key: str = "") -> tuple[int, bytes]:
        """Status and bytes. Raises OSError or HTTPException where nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def answers(self) -> bool:
        with suppress(OSError, http.client.HTTPException):
            return self.ask("GET", "/healthz")[0] == 200
        return False

    def end(self) -> None:
        """Ask all processes to leave, and wait until they have. Raises TimeoutExpired where one does not."""
        for process in self.started:
            process.terminate()
        for process in self.started:
            process.wait(60)
        self.started.clear()

    def close(self) -> None:
        """End all processes, whatever they do."""
        for process in self.started:
            for one in [*children_of(process.pid), process.pid]:
                kill(one)
            process.wait()
        self.started.clear()


def children_of(pid: int) -> list[int]:
    try:
        return [child.pid for child in psutil.Process(pid).children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def kill(pid: int, number: int = signal.SIGKILL) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 120.0) -> float:
    """Seconds that it took until something that another process does was true."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds, f"{what} did not happen within {seconds:g} s"
        time.sleep(0.05)
    return time.monotonic() - began


def job(site: Site, id: str) -> Job:
    found = site.queue.find(id)
    assert found is not None, f"{id} was accepted, and is lost"
    return found


def is_over(site: Site) -> bool:
    """Whether nothing waits and nothing runs."""
    return not {"waiting", "running"} & site.queue.count().keys()


def check_sound(site: Site) -> int:
    """The records agree with each other and with the files; how many orphans were swept.

    Nothing may run meanwhile.
    """
    _check_database(site)
    _check_money(site)
    with site.database.reading() as connection:
        made = set(connection.execute(sa.select(jobs.c.id).where(jobs.c.state == "done")).scalars())
        rows = connection.execute(sa.select(pictures.c.id, pictures.c.file, pictures.c.thumbnail)).all()
    assert {row.id for row in rows} == made and len(rows) == len(made)
    for row in rows:
        assert site.media.read(row.file) and site.media.read(row.thumbnail)  # raises where the hash differs
    swept = sweep(site.media, site.pictures.needed, older_than=-1.0)
    files = {path.name for path in (site.settings.storage.folder / "media").glob("??/*")}
    assert files == {name for row in rows for name in (row.file, row.thumbnail)}
    return swept


def _check_database(site: Site) -> None:
    if site.database.is_sqlite:
        with site.database.reading() as connection:
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"


def _check_money(site: Site) -> None:
    """Every job is paid once, nothing is promised to nobody, and a day is the sum of its jobs."""
    site.budget.settle_ended()
    with site.database.reading() as connection:
        all_days = connection.execute(sa.select(days)).all()
        owed = sa.select(sa.func.count()).select_from(reservations).where(reservations.c.settled.is_(None))
        spent = sa.select(reservations.c.day, sa.func.sum(reservations.c.used)).group_by(reservations.c.day)
        assert connection.execute(owed).scalar() == 0
        sums = {day: int(used) for day, used in connection.execute(spent)}
    assert {row.day: (row.reserved, row.spent) for row in all_days} == {
        day: (0, used) for day, used in sums.items()
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
