"""64 makers, in threads and processes, and money for one more picture: exactly one gets it."""

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import makers
import sqlalchemy as sa
from figures import Note
from opened import ROOMY

from strikebox.jobs.schema import days, jobs, order_keys, orders, reservations
from strikebox.site.context import Site, open_site
from strikebox.site.settings import Settings

_PROCESSES, _THREADS = 4, 16
_PRICE = 30 * 0.10 / 3600  # dollars that a picture is promised before any was measured
Process = subprocess.Popen[str]


def configured(folder: Path, address: str) -> Path:
    """A configuration whose day has money for one picture and a half."""
    limits = "\n".join(f"{key} = {value}" for key, value in ROOMY.items())
    config = folder / "strikebox.toml"
    config.write_text(
        f'[storage]\nfolder = "{folder / "site"}"\ndatabase = "{address}"\n[recipe]\nname = "soft"\n'
        f"[limits]\n{limits}\n[budget]\ndollars_per_day = {1.5 * _PRICE}\n"
    )
    return config


@contextmanager
def crowd(config: Path) -> Iterator[list[Process]]:
    """Processes that are ready to order."""
    command = [sys.executable, makers.__file__, str(config), str(_THREADS)]
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(_PROCESSES)
    ]
    try:
        assert all(told(process) == "ready\n" for process in processes)
        yield processes
    finally:
        for process in processes:
            process.communicate(timeout=60)
        assert all(process.returncode == 0 for process in processes)


def told(process: Process) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def go(processes: list[Process], round_: int) -> Counter[str]:
    """All of them order; how often each outcome came."""
    for number, process in enumerate(processes):
        assert process.stdin is not None
        process.stdin.write(f"{round_}.{number}\n")
        process.stdin.flush()
    return sum((Counter[str](json.loads(told(process))) for process in processes), Counter[str]())


def emptied(site: Site) -> None:
    with site.database.writing() as connection:
        for table in (jobs, orders, order_keys, reservations, days):
            connection.execute(sa.delete(table))


def test_exactly_one_gets_the_last_slot(tmp_path: Path, address: str, full: bool, note: Note) -> None:
    config = configured(tmp_path, address)
    site = open_site(Settings.read(config))
    rounds, slowest = (100 if full else 2), 0.0
    with crowd(config) as processes:
        for number in range(rounds):
            started = time.monotonic()
            assert go(processes, number) == {"accepted": 1, "refused": _PROCESSES * _THREADS - 1}
            slowest = max(slowest, time.monotonic() - started)
            today = site.budget.today()
            assert site.queue.count() == {"waiting": 1} and today.spent + today.reserved <= today.limit
            emptied(site)
    kind = "sqlite" if site.database.is_sqlite else "postgresql"
    site.close()
    note(f"last-slot-{kind}", rounds=rounds, makers=_PROCESSES * _THREADS, slowest_round_seconds=slowest)
