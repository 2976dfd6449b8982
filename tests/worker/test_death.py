"""Workers in processes of their own, killed at any moment: nothing is lost, nothing is published twice."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from toys import command, found, open_toy_site, order, start, until

from strikebox.site.context import Site
from strikebox.worker.children import Children
from strikebox.worker.names import worker_name


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "site"


@pytest.fixture
def site(folder: Path) -> Iterator[Site]:
    opened = open_toy_site(folder)
    yield opened
    opened.close()


def running(site: Site, id: str) -> bool:
    return found(site, id).state == "running"


def kill_one_at_work(site: Site, folder: Path, ids: list[str]) -> None:
    doomed = start(folder, 0.1)
    name = worker_name(doomed.pid)
    until(lambda: any(found(site, id).worker == name for id in ids))
    time.sleep(0.7)
    doomed.kill()
    doomed.wait()
    assert site.queue.expire(name) > 0


def test_killed_mid_job_its_jobs_are_made_by_the_next(site: Site, folder: Path) -> None:
    ids = order(site, *"abcdef")
    for _ in range(2):
        kill_one_at_work(site, folder, ids)
    last = start(folder, 0.0)
    until(lambda: all(found(site, id).state == "done" for id in ids))
    last.terminate()
    assert last.wait(10) == 0
    assert {p.id for p in site.pictures.page().pictures} == set(ids)
    today = site.budget.today()
    assert today.reserved == 0 < today.spent
    assert all(site.pictures.public(id).file for id in ids)


def test_terminated_it_leaves_in_order(site: Site, folder: Path) -> None:
    ids = order(site, *"abcdef")
    worker = start(folder, 0.1)
    until(lambda: running(site, ids[0]))
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(30) == 0
    assert [found(site, id).state for id in ids] == ["done"] * 4 + ["waiting"] * 2
    assert site.workers.alive() == []


def test_whose_site_is_gone_it_leaves_too(site: Site, folder: Path) -> None:
    words = command(folder, 0.1)
    script = "import os, subprocess, sys, time\n"
    script += "subprocess.Popen([*sys.argv[1:], str(os.getpid())]); time.sleep(60)"
    parent = subprocess.Popen([sys.executable, "-c", script, *words[:-1]])
    until(lambda: len(site.workers.alive()) == 1)
    parent.kill()
    parent.wait()
    until(lambda: site.workers.alive() == [])


def test_a_dead_child_is_followed_by_another_and_its_jobs_go_on_at_once(site: Site, folder: Path) -> None:
    ids = order(site, *"abcd")
    with Children(command(folder, 0.05), 1, site) as children:
        until(lambda: running(site, ids[0]))
        (doomed,) = children.pids
        os.kill(doomed, signal.SIGKILL)
        until(lambda: all(found(site, id).state == "done" for id in ids))
        assert children.pids != [doomed]
    assert site.workers.alive() == []


def test_children_that_cannot_start_do_not_stop_the_site(site: Site) -> None:
    with Children([sys.executable, "-c", "raise SystemExit(2)"], 1, site) as children:
        until(lambda: children.pids == [])
        time.sleep(3)


def test_children_that_do_not_leave_are_killed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikebox.worker.children.LEAVE", 1.0)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(60)"
    with Children([sys.executable, "-c", stubborn], 1, site) as children:
        (pid,) = children.pids
        time.sleep(0.5)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
