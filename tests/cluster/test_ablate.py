"""A plan on two nodes gives the same folder as on none, whatever dies meanwhile."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import studios
from toys import until

from strikebox.cluster.ablate import ablate
from strikebox.cluster.pool import open_pool
from strikebox.cluster.studio import Loaded, LoadEyes
from strikebox.errors import ClusterError, ModelError
from strikebox.extractors import registry
from strikebox.generation.render import Progress
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design, run
from strikebox.lab.features import FeatureStore
from strikebox.lab.run import Run

SEED = design.load("seed")
SMALL = replace(SEED, subjects=SEED.subjects[:2], seeds=(1, 2))


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run.ablate(SEED, ToyBackend(), tmp_path_factory.mktemp("alone"), settings=studios.SETTINGS)


def spread(
    ray: Any,
    path: Path,
    load: Callable[[], Loaded] = studios.plain,
    *,
    of: design.Design = SEED,
    eyes: LoadEyes | None = None,
    actors: int = 2,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Run:
    with open_pool(ray, load, eyes, actors=actors) as pool:
        return ablate(of, path, pool, on_progress=on_progress)


def table(of: Run) -> pl.DataFrame:
    """Without what differs from run to run."""
    return of.table().drop("picture", "seconds")


def assert_same(made: Run, alone: Run) -> None:
    assert table(made).equals(table(alone))
    assert made.folder.identity() == alone.folder.identity()
    names = [sorted(p.name for p in (one.folder.path / "pictures").iterdir()) for one in (made, alone)]
    assert names[0] == names[1]
    assert all(made.folder.pictures.get(name) for name in made.table()["sha256"])
    assert made.folder.kept() == set()


def test_two_actors_make_the_same_pictures_and_see_them(ray: Any, tmp_path: Path, alone: Run) -> None:
    told: list[Progress] = []
    made = spread(ray, tmp_path, eyes=studios.eyes, on_progress=told.append)
    assert_same(made, alone)
    assert [one.steps_done for one in told] == sorted(one.steps_done for one in told)
    assert (told[-1].steps_done, told[-1].cells_done) == (told[-1].steps, 75)

    def unseen() -> Any:
        raise AssertionError("it was seen where it was made")

    store, names = FeatureStore(made.folder.path), made.table()["sha256"]
    for name in ("palette", "thumbnail"):
        assert len(store.features(registry.extractor(name), dict.fromkeys(names, unseen))) == 75


def test_killed_actors_and_nodes_take_nothing_with_them(
    cluster: Any, ray: Any, tmp_path: Path, alone: Run
) -> None:
    """One actor by itself, then a whole node with another: the others go on, and no cell counts twice."""
    pids, extra = tmp_path / "pids", studios.patiently(lambda: cluster.add_node(num_cpus=1))
    pids.mkdir()
    node = threading.Thread(target=lambda: cluster.remove_node(extra, allow_graceful=False))
    told: list[int] = []

    def kill(done: Progress) -> None:
        if done.cells_done and not node.ident:
            os.kill(int(os.listdir(pids)[0]), signal.SIGKILL)
            node.start()
        told.append(done.cells_done)

    made = spread(ray, tmp_path / "run", partial(studios.writing_pids, pids), actors=3, on_progress=kill)
    node.join()
    assert_same(made, alone)
    assert told == sorted(set(told)) and told[-1] == 75


def test_after_three_attempts_the_cells_are_named(ray: Any, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    marks.mkdir()
    with pytest.raises(ClusterError, match=r"of (cat|dog), seed 1.*3 attempts.*--resume"):
        spread(ray, tmp_path / "run", partial(studios.dying, marks, 99), of=SMALL)


def test_what_loading_says_is_said(ray: Any, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="the weights are missing"):
        spread(ray, tmp_path, studios.missing)


@studios.long
def test_a_killed_run_goes_on_with_or_without_a_cluster(
    ray: Any, address: str, tmp_path: Path, alone: Run
) -> None:
    """The process that was started is killed in the middle: its actors go with it, the folder stays sound."""
    command = [sys.executable, str(Path(__file__).parent / "driver.py"), address, str(tmp_path)]
    driver, cells = subprocess.Popen(command), tmp_path / "cells"
    until(lambda: cells.is_dir() and any(cells.iterdir()), 120)
    driver.kill()
    driver.wait()
    some = len(run.RunFolder(tmp_path).cells())
    assert 0 < some < 75
    told: list[Progress] = []
    made = spread(ray, tmp_path, on_progress=told.append)
    assert told[0].cells_done == some
    assert_same(made, alone)
    assert run.ablate(SEED, ToyBackend(), tmp_path, settings=studios.SETTINGS).seconds == made.seconds


def test_an_actor_that_does_not_fit_is_said(ray: Any) -> None:
    with (
        pytest.raises(ClusterError, match="the cluster has 2 CPUs and 0 GPUs, an actor needs 3 and 0"),
        open_pool(ray, studios.plain, cpus_per_actor=3),
    ):
        pass
