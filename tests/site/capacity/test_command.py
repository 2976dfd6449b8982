"""`strikebox capacity`: from a site's database or from numbers to a table, JSON and a page."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from strikebox.cli import main
from strikebox.jobs.schema import batches, orders
from strikebox.site.capacity.measured import fit, measured, recorded
from strikebox.site.context import Site, open_site
from strikebox.site.settings import Settings

GIVEN = [
    "--visitors",
    "2000",
    "--kind",
    "soft:1:1:1:0.1",
    "--budget",
    "0",
    "--replications",
    "2",
    "--days",
    "0.1",
]


def strikebox(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        main(("capacity", *arguments))
    assert isinstance(left.value.code, int)
    return left.value.code


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_line_with_its_spread_through_batches() -> None:
    dice = np.random.default_rng(1)
    sizes = dice.integers(1, 5, 4000)
    kind = fit("k", sizes.tolist(), ((2 + 3 * sizes) * dice.normal(1, 0.1, 4000)).tolist())
    assert (kind.fixed, kind.each) == (pytest.approx(2, abs=0.1), pytest.approx(3, abs=0.05))
    assert kind.spread == pytest.approx(0.1, abs=0.01)
    assert (fit("k", [4, 4], [8.0, 12.0]).fixed, fit("k", [4, 4], [8.0, 12.0]).each) == (0, 2.5)


@pytest.mark.parametrize(("sizes", "seconds"), [([1, 4], [9.0, 3.0]), ([1, 4], [1.0, 16.0])])
def test_neither_part_is_below_zero(sizes: list[int], seconds: list[float]) -> None:
    kind = fit("k", sizes, seconds)
    assert kind.fixed >= 0 and kind.each >= 0 and kind.fixed + kind.each > 0


def made(site: Site) -> None:
    """Ten batches and thirty orders of the last hour."""
    now = time.time()
    with site.database.writing() as connection:
        for size in (1, 2, 3, 4, 4) * 2:
            site.waiting.measured_in(connection, "w", site.recipe.hash, size, 1.0 + size)
        site.waiting.measured_in(connection, "w", "enlargement", 1, 9.0)
    ids = [site.orders.place("cat", "c", network="n").id for _ in range(30)]
    with site.database.writing() as connection:
        for number, id in enumerate(ids):
            moved = sa.update(orders).where(orders.c.job == id).values(created=now - 3600 + 60 * number)
            connection.execute(moved)


def test_a_site_is_measured(site: Site) -> None:
    made(site)
    (found,) = measured(site.database)
    assert (found.kind.name, found.kind.fixed, found.kind.each) == (
        "soft",
        pytest.approx(1),
        pytest.approx(1),
    )
    assert (found.batches, found.sizes, found.kind.share) == (10, 4, 28)
    played = recorded(site.database, [found])
    assert played.arrivals.times == pytest.approx([60.0 * n for n in range(30)])
    assert played.seconds == pytest.approx(29 * 60)


def test_the_recorded_orders_of_a_site_are_played_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    roomy = {"burst": 100, "per_day": 100}
    site = open_site(Settings(storage={"folder": tmp_path / "s"}, recipe={"name": "soft"}, limits=roomy))  # type: ignore[arg-type]
    made(site)
    site.close()
    Path("strikebox.toml").write_text(
        '[storage]\nfolder = "s"\n[recipe]\nname = "soft"\n[model]\nbatch = 2\n'
    )
    assert strikebox("--json", "--replications", "2") == 0
    said = answer(capsys)
    assert said["orders"] == {"recorded": 30} and said["house"]["batch"] == 2
    assert said["kinds"][0]["name"] == "soft" and said["enough"] == 1
    assert said["notes"] == ["soft: measured from the latest 10 batches of the site."]
    with site.database.writing() as connection:
        connection.execute(sa.delete(batches))
    assert strikebox() == 2
    assert "holds fewer than 5 batches" in capsys.readouterr().err


def answer(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def test_a_table_and_a_page(capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox(*GIVEN, "--gpus", "1-2", "--price", "0.5", "--seed", "4", "--html", "c.html") == 0
    out, err = capsys.readouterr()
    assert "1 GPU is enough: 95 of 100 pictures within" in out and "$12.00 a day" in out
    assert "seed 4" in out and "not measured" in out and "simulated 2 GPUs" in err
    page = Path("c.html").read_text("utf-8")
    assert page.count("<svg") == 2 and "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#)', page), "it works offline"
    assert "1 GPU is enough" in page and "seed 4" in page


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--wait-p95", "1"], "The model limits: a picture takes 2.00 s"),
        (["--budget", "0.0001", "--price", "1"], "The day's budget limits: $0.00010"),
        (["--gpus", "1", "--visitors", "300000", "--queue", "20"], "GPUs limit: 20 orders wait"),
        (["--gpus", "1", "--visitors", "70000", "--wait-p95", "4"], "GPUs limit: orders wait for their turn"),
        (["--gpus", "9", "--least", "0", "--start", "600", "--visitors", "3000"], "Renting limits"),
    ],
)
def test_what_limits_is_said(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox(*GIVEN, *options, "--json") == 0
    found = answer(capsys)
    assert said in found["verdict"] and "not enough" in found["verdict"]
    assert found["enough"] is None and found["answers"][-1]["limit"] in found["verdict"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "there is no site to measure; give --config, or --kind and --visitors"),
        (["--visitors", "10"], "there is no site to measure"),
        (["--kind", "a:1:1"], "--kind: goes with --visitors"),
        (["--visitors", "10", "--kind", "a:1"], "give NAME:FIXED:EACH"),
        (["--visitors", "10", "--kind", "a:1:x"], "give NAME:FIXED:EACH"),
        (["--visitors", "10", "--kind", "a:1:1:1:1:1"], "give NAME:FIXED:EACH"),
        (["--visitors", "10", "--kind", "a:-1:1"], "a: fixed: is -1"),
        ([*GIVEN, "--gpus", "4-2"], "--gpus: is '4-2'"),
        ([*GIVEN, "--gpus", "many"], "--gpus: is 'many'"),
        ([*GIVEN, "--gpus", "1-1000"], "between 1 and 256"),
        ([*GIVEN, "--peak", "3"], "peak: is 3"),
        ([*GIVEN, "--refused", "2"], "--refused: is 2"),
        ([*GIVEN, "--replications", "1"], "an interval takes 2 or more"),
        ([*GIVEN, "--visitors", "nan"], "a_day is nan"),
        ([*GIVEN, "--html", "no/such/page.html"], "no/such: is no folder"),
    ],
)
def test_bad_input_is_one_line(options: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert strikebox(*options, "--json") == 2
    out, err = capsys.readouterr()
    assert said in err and err.count("\n") == 1 and out == ""
    assert list(Path().iterdir()) == []


def test_ctrl_c_ends_it_without_a_traceback() -> None:
    command = "from strikebox.cli import main; main()"
    words = ["capacity", "--visitors", "60000", "--kind", "soft:0:0.5", "--budget", "0", "--gpus", "1-200"]
    process = subprocess.Popen(
        [sys.executable, "-c", command, *words], stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stderr is not None
    first = process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait(60) == 130
    assert first == "simulated 1 GPUs 8 times\n" and "Traceback" not in rest
