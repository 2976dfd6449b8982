"""`strikebox serve` as it is started: the site, its worker, the embedded model, and an orderly end."""

import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from toys import found, order, until

from strikebox.site.context import Site, open_site
from strikebox.site.settings import Settings

CONFIG = """
[storage]
folder = "{folder}"
[recipe]
name = "soft"
[moderation]
classifier = false
leak = false
lettering = false
"""
COMMAND = [sys.executable, "-c", "from strikebox.cli import main; main()"]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "strikebox.toml"
    path.write_text(CONFIG.format(folder=tmp_path / "site"))
    return path


@pytest.fixture
def site(config: Path) -> Iterator[Site]:
    opened = open_site(Settings.read(config))
    yield opened
    opened.close()


def serve(config: Path, *options: str) -> "subprocess.Popen[str]":
    words = [*COMMAND, "serve", "--port", "0", "--config", str(config), *options]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"})


def address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    match = re.match(r"(http://127\.0\.0\.1:\d+/)  serves Soft", line)
    assert match is not None, line
    return match[1]


def read(url: str) -> tuple[int, bytes]:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.status, answer.read()


@pytest.mark.slow
def test_a_picture_is_made_and_shown_and_the_site_leaves_in_order(config: Path, site: Site) -> None:
    process = serve(config)
    base = address(process)
    (id,) = order(site, "cat", seed=1)
    until(lambda: found(site, id).is_final, seconds=180)
    assert found(site, id).state == "done"
    status, png = read(f"{base}pictures/{id}.png")
    assert status == 200 and png.startswith(b"\x89PNG")
    late = order(site, "owl")
    until(lambda: found(site, late[0]).state == "running", seconds=60)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    assert process.wait(40) == 0
    assert time.monotonic() - started < 30
    assert found(site, late[0]).state in ("done", "waiting")
    assert site.workers.alive() == []


def test_the_site_answers_without_workers_and_orders_wait(config: Path, site: Site) -> None:
    process = serve(config, "--workers", "0")
    base = address(process)
    (id,) = order(site, "cat")
    assert read(base)[0] == read(f"{base}jobs/{id}")[0] == 200
    assert found(site, id).state == "waiting"
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[site]\ncolour = 'red'\n", "site.colour: is no key"),
        ("[recipe]\nname = 'sandwhich'\n", "did you mean sandwich"),
        ("[recipe]\nname = 'control-other-prompt'\n", "which no visitor is asked for"),
        ("[storage]\nfolder = '/proc/nowhere'\n", "cannot create /proc/nowhere"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "strikebox.toml"
    path.write_text(text)
    words = [*COMMAND, "serve", "--port", "0", "--config", str(path)]
    ended = subprocess.run(words, capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert ended.returncode == 2
    assert said in ended.stderr and ended.stderr.count("\n") == 1


def test_a_port_that_is_taken_is_said(config: Path) -> None:
    first = serve(config, "--workers", "0")
    base = address(first)
    port = base.rsplit(":", 1)[1].strip("/")
    words = [*COMMAND, "serve", "--port", port, "--config", str(config)]
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, "Address already in use" in ended.stderr) == (2, True)
    assert read(base)[0] == 200
    first.terminate()
    assert first.wait(20) == 0
