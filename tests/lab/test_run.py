import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from strikebox.errors import DesignError, ModelError, RunError
from strikebox.generation.backend import Size
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design
from strikebox.lab.design import Design
from strikebox.lab.run import Run, ablate
from strikebox.store import RunFolder

COLUMNS = [
    "arm", "recipe", "title", "subject", "seed", "prompt",
    "picture", "sha256", "forwards", "flops", "seconds", "dollars",
]  # fmt: skip


@pytest.fixture(scope="module")
def seed_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return ablate(design.load("seed"), ToyBackend(), tmp_path_factory.mktemp("run") / "seed")


def small() -> Design:
    seed = design.load("seed")
    return replace(seed, subjects=seed.subjects[:3], seeds=(1, 2))


def files_of(path: Path) -> dict[str, bytes]:
    return {p.name: p.read_bytes() for p in sorted((path / "pictures").iterdir())}


def test_the_table_has_a_row_for_each_cell_in_the_order_of_the_design(seed_run: Run) -> None:
    table = seed_run.table()
    assert table.columns == COLUMNS
    assert table["arm"].to_list() == [arm for arm in "ABCDE" for _ in range(15)]
    assert table["subject"].to_list()[:4] == ["cat", "cat", "cat", "dog"]
    assert table["seed"].to_list()[:4] == [1, 2, 3, 1]
    assert table["prompt"].unique().len() == 10  # five subjects, with and without the style
    assert table["sha256"].n_unique() == 75
    for path, name in table.select("picture", "sha256").iter_rows():
        assert Path(path).is_file()
        assert Path(path).stem == name
    assert table["dollars"].is_null().all()


def test_forwards_are_those_of_the_recipes(seed_run: Run) -> None:
    forwards = {row["recipe"]: row["forwards"] for row in seed_run.table().iter_rows(named=True)}
    # Guidance takes two forwards a step; strength 0.9 takes 26 of 28 steps.
    assert forwards == {"baseline": 56, "lora": 56, "sandwich": 108, "style-prompt": 56, "edit": 112}


def test_dollars_are_seconds_times_the_price_of_an_hour(seed_run: Run) -> None:
    table = seed_run.table(dollars_per_hour=1.8)
    assert table["dollars"].to_list() == pytest.approx((table["seconds"] * 1.8 / 3600).to_list())


def test_costs_are_means_over_the_pictures_of_an_arm(seed_run: Run) -> None:
    table, costs = seed_run.table(2.0), seed_run.costs(2.0)
    assert costs["recipe"].to_list() == ["baseline", "lora", "sandwich", "style-prompt", "edit"]
    assert costs["pictures"].to_list() == [15] * 5
    for row in costs.iter_rows(named=True):
        of_arm = table.filter(pl.col("recipe") == row["recipe"])
        for name in ("forwards", "flops", "seconds", "dollars"):
            assert row[name] == pytest.approx(of_arm[name].mean())
    assert seed_run.costs()["dollars"].is_null().all()


def test_a_run_opens_as_it_was_made(seed_run: Run) -> None:
    opened = Run.open(seed_run.folder.path)
    assert opened.model == seed_run.model
    assert replace(opened.design, name="seed") == seed_run.design
    assert opened.table(1.0).equals(seed_run.table(1.0))
    assert opened.seconds == seed_run.seconds > 0


def test_a_run_holds_a_design_that_makes_it_again(seed_run: Run, tmp_path: Path) -> None:
    again = ablate(design.load(seed_run.folder.path / "design.toml"), ToyBackend(), tmp_path / "again")
    assert files_of(tmp_path / "again") == files_of(seed_run.folder.path)
    assert again.design.recipes == seed_run.design.recipes


def test_sharing_saves_what_the_plan_says(seed_run: Run, tmp_path: Path) -> None:
    backend = ToyBackend()
    ablate(design.load("seed"), backend, tmp_path / "run")
    assert backend.steps.total() == 138 * 15
    assert seed_run.seconds < sum(seed_run.table()["seconds"].to_list())


def test_cells_that_are_not_finished_are_rows_of_nulls(tmp_path: Path) -> None:
    run = ablate(small(), ToyBackend(), tmp_path / "run")
    lost = run.table()["picture"][0]
    Path(lost).unlink()
    table = Run.open(tmp_path / "run").table(1.0)
    unknown = ["picture", "sha256", "forwards", "flops", "seconds", "dollars"]
    assert table.null_count().select(unknown).row(0) == (1,) * 6
    assert table.row(0, named=True)["subject"] == "cat"
    assert run.costs()["pictures"].to_list() == [5, 6, 6, 6, 6]


def test_a_prompt_that_names_no_subject_is_one_picture_in_many_rows(tmp_path: Path) -> None:
    (tmp_path / "still.toml").write_text(
        'title = "Still"\n[[pass]]\nkind = "text-to-image"\nprompt = "a lamp"\nsteps = 2\nguidance = 1.0\n'
    )
    text = 'title = "S"\nrecipes = ["still.toml"]\nsubjects = ["cat", "dog"]\nseeds = [1]\n'
    backend = ToyBackend()
    table = ablate(design.parse(text, str(tmp_path / "s.toml")), backend, tmp_path / "run").table()
    assert table["sha256"].null_count() == 0
    assert table["sha256"].n_unique() == 1
    assert backend.decoded == 1


@pytest.mark.parametrize(
    ("change", "backend", "said"),
    [
        ({"seeds": (1, 3)}, ToyBackend(), "design.seeds"),
        ({"style": "posters"}, ToyBackend(), "design.style is 'matchbox style' there, 'posters' here"),
        ({"size": Size(height=32, width=32)}, ToyBackend(), "design.size"),
        ({}, ToyBackend(model_hash="other"), "model.hash is 'toy' there, 'other' here"),
        ({}, ToyBackend(lora_hash="other"), "lora.hash is 'toy-lora' there, 'other' here"),
    ],
)
def test_another_design_model_or_lora_is_refused(
    tmp_path: Path, change: dict[str, tuple[int, ...]], backend: ToyBackend, said: str
) -> None:
    ablate(small(), ToyBackend(), tmp_path / "run")
    with pytest.raises(RunError, match=said):
        ablate(replace(small(), **change), backend, tmp_path / "run")
    assert backend.steps.total() == 0


def test_settings_belong_to_a_run_and_a_new_title_does_not(tmp_path: Path) -> None:
    ablate(small(), ToyBackend(), tmp_path / "run", settings={"dtype": "float32"})
    renamed = ToyBackend()
    ablate(replace(small(), title="Other"), renamed, tmp_path / "run", settings={"dtype": "float32"})
    assert renamed.steps.total() == 0
    with pytest.raises(RunError, match=r"settings\.dtype is 'float32' there, 'bfloat16' here"):
        ablate(small(), ToyBackend(), tmp_path / "run", settings={"dtype": "bfloat16"})


def test_what_cannot_be_made_is_said_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="multiples of 16"):
        ablate(replace(small(), size=Size(height=40, width=40)), ToyBackend(), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_folder_that_holds_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="give the folder of a run"):
        Run.open(tmp_path)
    run = ablate(small(), ToyBackend(), tmp_path / "run")
    (run.folder.path / "design.toml").unlink()
    with pytest.raises(DesignError, match="cannot be read"):
        Run.open(run.folder.path)


SLOW = """
import sys, time
from pathlib import Path
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design, run

folder, log = Path(sys.argv[1]), open(sys.argv[2], "a")

class Slow:
    def __init__(self):
        self.toy = ToyBackend()
        self.model, self.noise, self.encode = self.toy.model, self.toy.noise, self.toy.encode

    def denoise(self, batch):
        before = set(self.toy.steps)
        latents = self.toy.denoise(batch)
        print("\\n".join(self.toy.steps.keys() - before), file=log, flush=True)
        time.sleep(0.03)
        return latents

    def decode(self, latents):
        time.sleep(0.01)
        return self.toy.decode(latents)

run.ablate(design.load(folder / "in.toml"), Slow(), folder / "run", batch_size=2)
"""


def test_a_run_that_is_killed_again_and_again_regenerates_nothing(tmp_path: Path) -> None:
    """kill -9 at random moments; what is made in the end is what an undisturbed run makes."""
    planned, moments = small(), random.Random(0)
    (tmp_path / "recipes").mkdir()
    text = design.dumps(planned).replace("recipes/", "").replace(".toml", "")
    (tmp_path / "in.toml").write_text(text)
    log, run, kills = tmp_path / "log", tmp_path / "run", 0
    while True:
        process = subprocess.Popen([sys.executable, "-c", SLOW, str(tmp_path), str(log)])
        _wait_for_work(process, log)
        try:
            assert process.wait(moments.uniform(0.0, 0.4)) == 0
            break
        except subprocess.TimeoutExpired:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            kills += 1
    assert kills >= 3

    undisturbed = ToyBackend()
    expected = ablate(planned, undisturbed, tmp_path / "undisturbed")
    assert files_of(run) == files_of(tmp_path / "undisturbed")
    timeless = ["recipe", "subject", "seed", "sha256", "forwards", "flops"]
    assert Run.open(run).table().select(timeless).equals(expected.table().select(timeless))
    assert not list(run.rglob("*.part"))
    assert RunFolder(run).kept() == set()

    taken = Counter(log.read_text().split())
    assert taken.keys() == undisturbed.steps.keys()
    # A kill costs at most the batch that was running: two rows of at most 28 steps.
    assert sum(times - 1 for times in taken.values()) <= kills * 2 * 28


def _wait_for_work(process: subprocess.Popen[bytes], log: Path) -> None:
    """Until the process has done something new, or has ended."""
    size = log.stat().st_size if log.exists() else 0
    while process.poll() is None and (not log.exists() or log.stat().st_size <= size):
        time.sleep(0.005)
