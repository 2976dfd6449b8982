import errno
import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby, pairwise
from math import prod
from pathlib import Path
from typing import cast
from weakref import finalize

import numpy as np
import pytest

from strikebox import png, recipe, store
from strikebox.errors import StoreError
from strikebox.generation import handoff, toy
from strikebox.generation.backend import (
    Backend,
    Denoise,
    Latents,
    LoraState,
    Model,
    Pixels,
    Size,
)
from strikebox.generation.cost import cost_alone
from strikebox.generation.plan import Plan, make_cell, make_plan, noise_seed
from strikebox.generation.render import Progress, render
from strikebox.generation.segments import Segment
from strikebox.generation.toy import ToyBackend
from strikebox.passes import Handoff, ImageToImage, LoraUse, Sigma, TextToImage
from strikebox.recipe import Recipe
from strikebox.store import Identity, RunFolder

IDENTITY = Identity(design={}, model={}, lora=None, settings={})
SUBJECTS = ("cat", "dog", "owl")
EVERY_WAY = (
    "baseline", "lora", "sandwich", "style-prompt", "edit", "gated", "thumbnail", "control-no-pass-1",
    "control-other-prompt", "control-phase-scrambled",
)  # fmt: skip


def plan_of(names: Sequence[str] = EVERY_WAY, seeds: Sequence[int] = (1, 2)) -> Plan:
    model = ToyBackend().model
    cells = [
        make_cell(recipe.load(name), subject, seed, model, style="matchbox style", other=other)
        for name in names
        for subject, other in zip(SUBJECTS, (*SUBJECTS[1:], SUBJECTS[0]), strict=True)
        for seed in seeds
    ]
    return make_plan(cells, model)


def run(
    plan: Plan,
    path: Path,
    backend: Backend | None = None,
    batch_size: int = 8,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> dict[str, str]:
    """Renders and returns the name of each cell's picture."""
    with store.writing(path, IDENTITY, {}) as folder:
        list(render(plan, backend or ToyBackend(), folder, batch_size=batch_size, on_progress=on_progress))
        assert folder.kept() == set()
        return {key: record.picture for key, record in folder.cells().items()}


def steps_left(plan: Plan, folder: RunFolder) -> int:
    """What must still run, walked cell by cell."""
    finished, kept = folder.cells(), folder.kept()
    by_key, left = {s.key: s for s in plan.segments}, set[str]()

    def need(key: str) -> None:
        if key not in kept and key not in left:
            left.add(key)
            for above in by_key[key].needs:
                need(above)

    for cell in plan.cells:
        if cell.key not in finished:
            need(plan.paths[cell.key][-1].key)
    return sum(by_key[key].steps for key in left)


# What comes out ------------------------------------------------------------------------------------


def guided(prompt: str, lora: LoraState | None, guidance: float, shape: tuple[int, ...]) -> np.ndarray:
    empty, prompted = toy.mean("", lora, shape), toy.mean(prompt, lora, shape)
    return empty + guidance * (prompted - empty)


def flowed(x: np.ndarray, sigmas: Sequence[float], mu: np.ndarray) -> np.ndarray:
    """Where Euler steps of the linear model end."""
    shrink = prod(1 + toy.slope(s) * (t - s) for s, t in pairwise(sigmas))
    return mu + shrink * (x - (1 - sigmas[0]) * mu)


@pytest.mark.parametrize("sigma", [0.3, 0.8, 0.95])
@pytest.mark.parametrize("keep", [Handoff(), Handoff(keep="mean"), Handoff(keep="low-pass", cutoff=2.0)])
def test_image_to_image_is_its_closed_form(tmp_path: Path, sigma: float, keep: Handoff) -> None:
    two_passes = Recipe(
        name="two",
        title="Two",
        passes=(
            TextToImage(prompt="{subject}, {style}", steps=6, guidance=2.0, lora=LoraUse(scale=0.5)),
            ImageToImage(prompt="{subject}", steps=9, guidance=1.5, start=Sigma(sigma), handoff=keep),
        ),
    )
    backend, seed = ToyBackend(), 2**32 - 1
    cell = make_cell(two_passes, "cat", seed, backend.model, style="labels")
    plan = make_plan([cell], backend.model)
    name = run(plan, tmp_path, backend)[cell.key]

    first, second = plan.paths[cell.key]
    noise = [backend.noise(noise_seed(seed, draw), cell.size) for draw in (0, 1)]
    shape = noise[0].shape
    painted = flowed(noise[0], first.sigmas, guided("cat, labels", LoraState(scale=0.5), 2.0, shape))
    handed = handoff.kept(painted.astype(np.float32), keep, np.random.default_rng(0))
    start = (1 - sigma) * handed + sigma * noise[1]
    expected = toy.decode(flowed(start, second.sigmas, guided("cat", None, 1.5, shape)).astype(np.float32))
    assert second.sigmas[0] == sigma

    pixels = png.decode(RunFolder(tmp_path).pictures.get(name)).pixels
    difference = np.abs(pixels.astype(int) - expected.astype(int))
    assert difference.max() <= 1  # a level may fall to either side where float32 rounds
    assert difference.mean() < 0.01


def test_edit_sees_the_picture_as_a_user_would_hand_it_in(tmp_path: Path) -> None:
    backend = ToyBackend()
    cell = make_cell(recipe.load("edit"), "cat", 1, backend.model, style="labels")
    plan = make_plan([cell], backend.model)
    base, edited = plan.paths[cell.key]
    name = run(plan, tmp_path)[cell.key]

    def asked(latents: Latents, prompt: str, lora: LoraState | None, reference: Latents | None) -> Denoise:
        return Denoise(
            latents=latents, sigmas=base.sigmas, prompt=prompt, guidance=4.0, lora=lora, reference=reference
        )

    painted = backend.denoise([asked(backend.noise(1, cell.size), "cat", None, None)])
    reference = backend.encode(backend.decode(painted))[0]
    noise = backend.noise(noise_seed(1, 1), cell.size)
    expected = backend.decode(
        backend.denoise([asked(noise, "cat, labels", LoraState(scale=1.0), reference)])
    )[0]
    assert edited.sigmas == base.sigmas
    np.testing.assert_array_equal(png.decode(RunFolder(tmp_path).pictures.get(name)).pixels, expected)


def test_a_thumbnail_crosses_through_pixels_at_its_new_size(tmp_path: Path) -> None:
    """With sigma near 0 the second pass leaves what it is given, so the enlargement can be seen."""
    thumbnail = Recipe(
        name="thumbnail",
        title="Thumbnail",
        passes=(
            TextToImage(prompt="{subject}", steps=4, guidance=1.0, size=0.5),
            ImageToImage(
                prompt="{subject}",
                steps=4,
                guidance=1.0,
                start=Sigma(1e-6),
                handoff=Handoff(through="pixels"),
            ),
        ),
    )
    backend = ToyBackend()
    cell = make_cell(thumbnail, "cat", 1, backend.model)
    plan = make_plan([cell], backend.model)
    pixels = png.decode(RunFolder(tmp_path).pictures.get(run(plan, tmp_path)[cell.key])).pixels
    small = backend.noise(1, Size(height=32, width=32))
    painted = flowed(small, plan.paths[cell.key][0].sigmas, guided("cat", None, 1.0, small.shape))
    from_small = toy.decode(painted.astype(np.float32))
    assert pixels.shape == (64, 64, 3)
    shrunk = pixels.reshape(32, 2, 32, 2, 3).mean(axis=(1, 3))
    assert np.corrcoef(shrunk.ravel(), from_small.ravel())[0, 1] > 0.9


def test_a_batch_of_one_gives_the_same_files_as_a_batch_of_eight(tmp_path: Path) -> None:
    plan = plan_of()
    assert run(plan, tmp_path / "1", batch_size=1) == run(plan, tmp_path / "8", batch_size=8)


def test_a_shared_plan_gives_the_same_files_as_each_cell_alone(tmp_path: Path) -> None:
    plan = plan_of(seeds=(1,))
    shared = run(plan, tmp_path / "shared")
    for number, cell in enumerate(plan.cells):
        alone = run(make_plan([cell], plan.model), tmp_path / str(number))
        assert alone == {cell.key: shared[cell.key]}, cell.recipe.name


def test_each_picture_carries_its_own_history(tmp_path: Path) -> None:
    plan = plan_of(("sandwich",), seeds=(1,))
    names = run(plan, tmp_path)
    for cell in plan.cells:
        said = png.decode(RunFolder(tmp_path).pictures.get(names[cell.key])).strikebox
        assert said is not None
        assert (said["subject"], said["seed"]) == (cell.subject, cell.seed)
        assert said["prompts"] == list(cell.prompts)
        assert cast(dict[str, object], said["cost"])["forwards"] == cost_alone(plan, cell).forwards


def test_cells_with_one_key_are_one_picture(tmp_path: Path) -> None:
    model = ToyBackend().model
    cell = make_cell(recipe.load("baseline"), "cat", 1, model)
    assert len(run(make_plan([cell, cell], model), tmp_path)) == 1


def test_a_plan_for_another_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the plan is for"):
        run(plan_of(), tmp_path, ToyBackend(model_hash="other"))


# What it takes -------------------------------------------------------------------------------------


def test_every_step_of_the_plan_is_taken_once(tmp_path: Path) -> None:
    plan, backend = plan_of(), ToyBackend()
    run(plan, tmp_path, backend)
    assert set(backend.steps.values()) == {1}
    assert backend.steps.total() == plan.guided_steps < plan.guided_steps_alone


def test_the_lora_changes_as_often_as_the_plan_forces_it_to(tmp_path: Path) -> None:
    backend = ToyBackend()
    run(plan_of(), tmp_path, backend)
    states = [lora for lora, _ in groupby(lora for _, lora in backend.batches)]
    # The base model first (what edit edits), then 1.0 and 2.0, then what follows them without a LoRA.
    assert states == [None, LoraState(scale=1.0), LoraState(scale=2.0), None]


def test_batches_reach_across_arms_subjects_and_seeds(tmp_path: Path) -> None:
    backend = ToyBackend()
    run(plan_of(("baseline", "sandwich", "control-mean-colour", "control-low-pass")), tmp_path, backend, 18)
    # 6 baselines; pass 1 of the other three arms is one and the same; their pass 2 are 18 rows of one batch.
    assert [rows for rows, _ in backend.batches] == [6, 6, 18]


class Clocked:
    """Takes a known time for each step of a row, and for each picture."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self._toy = 0.0, ToyBackend()
        monkeypatch.setattr("strikebox.generation.render.perf_counter", lambda: self.now)

    @property
    def model(self) -> Model:
        return self._toy.model

    def noise(self, seed: int, size: Size) -> Latents:
        return self._toy.noise(seed, size)

    def denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        self.now += len(batch) * (len(batch[0].sigmas) - 1)
        return self._toy.denoise(batch)

    def decode(self, latents: Sequence[Latents]) -> list[Pixels]:
        self.now += 0.5 * len(latents)
        return self._toy.decode(latents)

    def encode(self, pictures: Sequence[Pixels]) -> list[Latents]:
        self.now += 0.25 * len(pictures)
        return self._toy.encode(pictures)


def test_seconds_of_a_cell_are_those_it_would_take_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(("baseline", "sandwich", "edit", "gated", "style-prompt"))
    clocked = Clocked(monkeypatch)
    with store.writing(tmp_path, IDENTITY, {}) as folder:
        list(render(plan, clocked, folder))
    expected = {"baseline": 28.5, "sandwich": 54.5, "gated": 28.5, "style-prompt": 28.5, "edit": 57.25}
    for record in folder.cells().values():
        assert record.seconds == pytest.approx(expected[record.recipe]), record.recipe
    assert folder.seconds() == pytest.approx(clocked.now)
    assert clocked.now < sum(record.seconds for record in folder.cells().values())


def test_progress_counts_up_to_the_whole(tmp_path: Path) -> None:
    plan = plan_of()
    events: list[Progress] = []
    run(plan, tmp_path, on_progress=events.append)
    assert (events[0].steps_done, events[0].cells_done) == (0, 0)
    last = events[-1]
    assert last.steps_done == last.steps == plan.guided_steps
    assert last.cells_done == last.cells == len(plan.cells)
    done = [(event.steps_done, event.cells_done) for event in events]
    assert done == sorted(done)


class Watched:
    """Counts the latents that are alive, and those that wait in the folder."""

    def __init__(self, folder: Path) -> None:
        self._toy, self._folder = ToyBackend(Size(height=16, width=16)), folder
        self.alive = self.most_alive = self.most_waiting = 0

    @property
    def model(self) -> Model:
        return self._toy.model

    def noise(self, seed: int, size: Size) -> Latents:
        return self._watch(self._toy.noise(seed, size))

    def denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        self.most_waiting = max(self.most_waiting, len(list((self._folder / "latents").iterdir())))
        return [self._watch(x) for x in self._toy.denoise(batch)]

    def decode(self, latents: Sequence[Latents]) -> list[Pixels]:
        return self._toy.decode(latents)

    def encode(self, pictures: Sequence[Pixels]) -> list[Latents]:
        return [self._watch(x) for x in self._toy.encode(pictures)]

    def _watch(self, latents: Latents) -> Latents:
        self.alive += 1
        self.most_alive = max(self.most_alive, self.alive)
        finalize(latents, self._died)
        return latents

    def _died(self) -> None:
        self.alive -= 1


@pytest.mark.parametrize("seeds", [60, 120])
def test_memory_and_waiting_latents_do_not_grow_with_the_run(tmp_path: Path, seeds: int) -> None:
    watched = Watched(tmp_path)
    names = ("baseline", "sandwich-0.8", "edit")
    cells = [
        make_cell(_short(recipe.load(name)), "cat", seed, watched.model, style="labels")
        for name in names
        for seed in range(seeds)
    ]
    run(make_plan(cells, watched.model), tmp_path, watched, batch_size=2)
    assert watched.most_alive <= 4 * 2
    assert watched.most_waiting <= 2 * 32 * 2  # at most two a cell of the window


def _short(long: Recipe) -> Recipe:
    return replace(long, passes=tuple(replace(pass_, steps=2) for pass_ in long.passes))


# What happens when it is stopped -------------------------------------------------------------------


class Stop(Exception):
    """What a test stops a run with."""


@pytest.mark.parametrize("moment", range(1, 400, 31))
@pytest.mark.parametrize("how", [KeyboardInterrupt(), OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))])
def test_a_stopped_run_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: int, how: BaseException, whole: dict[str, str]
) -> None:
    """Interrupted, or out of room, at the nth time that anything touches the disk."""
    plan, calls = plan_of(seeds=(1,)), 0
    originals = {name: getattr(os, name) for name in ("write", "fsync", "replace")}

    def failing(name: str) -> Callable[..., object]:
        def call(*arguments: object) -> object:
            nonlocal calls
            calls += 1
            if calls == moment:
                raise how
            return originals[name](*arguments)

        return call

    raised = KeyboardInterrupt if isinstance(how, KeyboardInterrupt) else StoreError
    with store.writing(tmp_path, IDENTITY, {}) as folder, monkeypatch.context() as patched:
        for name in originals:
            patched.setattr(os, name, failing(name))
        with pytest.raises(raised):
            list(render(plan, ToyBackend(), folder, batch_size=4))
    assert not list(tmp_path.rglob("*.part"))
    resumed, left = ToyBackend(), steps_left(plan, folder)
    unfinished = len(plan.cells) - len(folder.cells())
    before = dict(folder.cells())
    assert run(plan, tmp_path, resumed) == whole
    assert resumed.steps.total() == left
    assert set(resumed.steps.values()) <= {1}
    assert resumed.decoded - resumed.encoded == unfinished  # each encoded one was decoded to be handed on
    assert {key: folder.cells()[key] for key in before} == before


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return run(plan_of(seeds=(1,)), tmp_path_factory.mktemp("whole"))


def test_a_finished_run_does_nothing(tmp_path: Path) -> None:
    plan, again = plan_of(), ToyBackend()
    events: list[Progress] = []
    assert run(plan, tmp_path) == run(plan, tmp_path, again, on_progress=events.append)
    assert (again.steps.total(), again.decoded, again.encoded) == (0, 0, 0)
    assert events == [
        Progress(steps_done=plan.guided_steps, steps=plan.guided_steps, cells_done=60, cells=60)
    ]


def test_a_deleted_picture_is_made_again_and_nothing_else(tmp_path: Path) -> None:
    plan, again = plan_of(("baseline", "edit")), ToyBackend()
    names = run(plan, tmp_path)
    cell = plan.cells[0]
    RunFolder(tmp_path).pictures.path(names[cell.key]).unlink()
    assert run(plan, tmp_path, again) == names
    assert again.steps.total() == 28


def test_a_consumer_may_leave_at_any_cell(tmp_path: Path) -> None:
    plan, backend = plan_of(("baseline", "lora"), seeds=(1, 2)), ToyBackend()
    for _ in plan.cells:
        with store.writing(tmp_path, IDENTITY, {}) as folder:
            next(iter(render(plan, backend, folder, batch_size=2)), None)
    assert folder.cells().keys() == {cell.key for cell in plan.cells}
    assert backend.decoded == len(plan.cells)


def test_a_batch_that_fails_takes_nothing_with_it(tmp_path: Path) -> None:
    """Pictures of the batch before may still wait for their files."""
    plan, backend = plan_of(("baseline",), seeds=(1, 2)), ToyBackend()
    batches = iter([True, False])

    def run_batch(_: Sequence[Segment], asked: Sequence[Denoise]) -> list[Latents]:
        if not next(batches):
            raise Stop
        return backend.denoise(asked)

    with store.writing(tmp_path, IDENTITY, {}) as folder:
        with pytest.raises(Stop):
            list(render(plan, backend, folder, batch_size=1, run_batch=run_batch))
        assert len(folder.cells()) == 1
