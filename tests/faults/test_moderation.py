"""A picture that was not checked is not published, whatever became of the check."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from random import Random

import checks
import psutil
import pytest
from figures import Note
from toys import open_toy_site, order, parts, work

from strikebox.site.context import Site
from strikebox.site.moderation.picture import Check

SHORT, LONG = 3, 40  # attacks on the process that checks
_SECONDS = 1.0  # that a check has


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = open_toy_site(tmp_path / "site")
    yield opened
    opened.close()


@pytest.fixture
def mood(tmp_path: Path) -> Path:
    path = tmp_path / "mood"
    path.write_text("strict")
    return path


@pytest.fixture
def check(mood: Path) -> Iterator[Check]:
    with Check(checks.Load(mood), seconds=_SECONDS, seconds_to_load=15) as check:
        yield check


def findings(site: Site, ids: list[str]) -> list[str]:
    found = [site.pictures.find(id) for id in ids]
    return ["" if picture is None else picture.finding or "" for picture in found]


MOODS = ("dies", "hangs", "raises", "nonsense", "other nonsense", "unreadable")


def test_what_goes_wrong_withholds(site: Site, mood: Path, check: Check, note: Note) -> None:
    for name in MOODS:
        mood.write_text(name)
        ids = order(site, "cat")
        work(site, parts(check=check))
        assert findings(site, ids)[0].startswith("unchecked"), name
    assert site.pictures.page().pictures == []
    mood.write_text("finds nothing")
    (fine,) = order(site, "cat")
    work(site, parts(check=check))
    assert [picture.id for picture in site.pictures.page().pictures] == [fine]
    note("moderation that goes wrong", ways=len(MOODS), published_unchecked=0)


def test_killed_or_stopped_at_any_moment_it_publishes_nothing(
    site: Site, check: Check, full: bool, dice: Random, seed: int, note: Note
) -> None:
    """It would withhold everything, so what is public was published without an answer."""
    attacks = LONG if full else SHORT
    over = threading.Event()
    done = {"killed": 0, "stopped": 0}
    attacker = threading.Thread(target=attack, args=(dice, done, attacks, over), daemon=True)
    attacker.start()
    made: list[str] = []
    while not over.is_set():
        made += order(site, "cat", "owl")
        work(site, parts(check=check), seconds=60)
    attacker.join()
    found = findings(site, made)
    assert all(finding.startswith(("unsafe", "unchecked")) for finding in found)
    assert site.pictures.counts() == {"withheld": len(made)}
    unchecked = sum(finding.startswith("unchecked") for finding in found)
    note("moderation", **done, pictures=len(made), unchecked=unchecked, published=0, seed=seed)


def attack(dice: Random, done: dict[str, int], attacks: int, over: threading.Event) -> None:
    try:
        while sum(done.values()) < attacks:
            time.sleep(dice.random() / 2)
            with suppress(psutil.Error, ProcessLookupError):  # it was ended meanwhile
                _attack_one(dice.choice(["killed", "stopped"]), done)
    finally:
        over.set()


def _attack_one(how: str, done: dict[str, int]) -> None:
    for child in psutil.Process().children():
        if "spawn_main" in " ".join(child.cmdline()) and child.status() != psutil.STATUS_STOPPED:
            os.kill(child.pid, signal.SIGKILL if how == "killed" else signal.SIGSTOP)
            done[how] += 1
            return
