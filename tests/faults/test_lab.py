"""An ablation that is killed again and again ends with the report of one that was left alone."""

import os
import subprocess
import sys
import time
from pathlib import Path
from random import Random

import slow_lab
from figures import Note

SHORT, LONG = 2, 10  # kills
DESIGN = """
title = "A small one"
recipes = ["baseline", "lora", "sandwich"]
subjects = ["cat", "owl"]
seeds = [1, 2]
style = "matchbox style"
"""


def test_the_report_is_the_same_byte_for_byte(
    tmp_path: Path, full: bool, dice: Random, seed: int, note: Note
) -> None:
    """The long form runs the embedded model and measures; the short one a toy, without measures."""
    (tmp_path / "small.toml").write_text(DESIGN)
    left_alone, killed = tmp_path / "alone", tmp_path / "killed"
    longest, kills = run(left_alone, full), 0
    while kills < (LONG if full else SHORT):
        lived = kill_after(dice.uniform(0.1, 0.9) * longest, killed, full)
        if lived is None:
            kills += 1
        else:
            longest = lived  # the machine is faster now, or less was left to do
    run(killed, full)
    assert report(killed) == report(left_alone)
    assert pictures(killed) == pictures(left_alone)
    note("lab", kills=kills, reports_differ=False, seed=seed)


def command(folder: Path, full: bool) -> "subprocess.Popen[bytes]":
    """In a folder of its own, so that all paths are the same."""
    folder.mkdir(exist_ok=True)
    words = ["real" if full else "toy", "../small.toml", "run"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, slow_lab.__file__, *words],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )


def run(folder: Path, full: bool) -> float:
    """Seconds that it took to the end."""
    began = time.monotonic()
    process = command(folder, full)
    _, said = process.communicate(timeout=1200)
    assert process.returncode == 0, said.decode()
    return time.monotonic() - began


def kill_after(seconds: float, folder: Path, full: bool) -> float | None:
    """None where it was still at work then, else how many seconds it took."""
    began = time.monotonic()
    process = command(folder, full)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None
    return time.monotonic() - began


def report(folder: Path) -> bytes:
    return (folder / "run" / "report.html").read_bytes()


def pictures(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "run" / "pictures").iterdir()}
