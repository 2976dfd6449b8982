"""What `ablate --ray` and `worker --ray` do when they are told to stop: the commands as users run them."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from toys import found, open_toy_site, order, until

MAIN = (sys.executable, "-c", "from strikebox.cli import main; main()")
DESIGN = """\
title = "Six"
description = ""
recipes = ["baseline"]
subjects = ["cat", "dog"]
seeds = [1, 2, 3]
"""
SITE = """\
[storage]
folder = "{folder}"
[recipe]
name = "soft"
[budget]
dollars_per_day = 1000.0
[moderation]
classifier = false
leak = false
lettering = false
"""


def started(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen([*MAIN, *words], stderr=subprocess.PIPE, text=True)


def ended(command: subprocess.Popen[str], by: signal.Signals) -> str:
    """What a command says that is told to stop; at most a minute later."""
    command.send_signal(by)
    _, said = command.communicate(timeout=60)
    assert "Traceback" not in said
    return said


@pytest.mark.slow
def test_a_run_on_a_cluster_is_interrupted_and_goes_on(address: str, tmp_path: Path) -> None:
    (tmp_path / "six.toml").write_text(DESIGN, "utf-8")
    out = tmp_path / "run"
    words = ("ablate", str(tmp_path / "six.toml"), "--out", str(out), "--dtype", "float32")
    command = started(*words, "--ray", address)
    until(lambda: any(out.glob("cells/*.json")) or command.poll() is not None)
    said = ended(command, signal.SIGINT)
    assert command.returncode == 130, said
    assert 0 < len(list(out.glob("cells/*.json"))) < 6
    subprocess.run([*MAIN, *words, "--resume"], check=True)
    assert len(list(out.glob("cells/*.json"))) == 6


@pytest.mark.slow
def test_workers_on_a_cluster_give_their_jobs_back(address: str, tmp_path: Path) -> None:
    config = tmp_path / "strikebox.toml"
    config.write_text(SITE.format(folder=tmp_path / "site"), "utf-8")
    site = open_toy_site(tmp_path / "site")
    ids = order(site, "cat", "dog", "fox", "bear", "owl", "hare")
    command = started("worker", "--config", str(config), "--ray", address, "--max", "1")
    until(lambda: any(found(site, id).state == "running" for id in ids) or command.poll() is not None)
    said = ended(command, signal.SIGTERM)
    assert command.returncode == 0, said
    assert site.workers.alive() == []
    assert {found(site, id).state for id in ids} <= {"waiting", "done"}
    site.close()
