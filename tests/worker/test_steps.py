"""Looking at latents on the way changes nothing, and shows what the picture will become."""

from pathlib import Path

import numpy as np
import pytest

from strikebox import api, store
from strikebox.generation.backend import Size
from strikebox.generation.plan import make_cell, make_plan
from strikebox.generation.render import render
from strikebox.generation.toy import ToyBackend, decode
from strikebox.klein import profile, weights
from strikebox.recipe import load
from strikebox.store import Identity
from strikebox.worker.previews import SHIPPED, Projection
from strikebox.worker.steps import Look, Stepper

NOBODY = Identity(design={}, model={}, lora=None, settings={})


@pytest.mark.parametrize("recipe", ["soft", "sandwich", "gated", "edit", "thumbnail"])
def test_pictures_are_the_same_and_each_step_is_seen(recipe: str, tmp_path: Path) -> None:
    backend = ToyBackend()
    cells = [
        make_cell(load(recipe), subject, seed, backend.model, style="matchbox")
        for subject, seed in (("cat", 1), ("cat", 2), ("owl", 1))
    ]
    plan = make_plan(cells, backend.model)
    seen: list[Look] = []
    stepper = Stepper(backend, plan, seen.extend)
    with store.writing(tmp_path / "plain", NOBODY, {}) as folder:
        plain = {record.key: record.picture for record in render(plan, backend, folder)}
    with store.writing(tmp_path / "watched", NOBODY, {}) as folder:
        watched = {r.key: r.picture for r in render(plan, backend, folder, run_batch=stepper)}
    assert plain == watched
    for cell in cells:
        own = [look for look in seen if look.cell == cell.key]
        assert [look.steps_done for look in own] == list(range(1, own[0].steps + 1))


def test_the_last_look_is_the_picture(tmp_path: Path) -> None:
    backend = ToyBackend()
    cell = make_cell(load("soft"), "cat", 1, backend.model, style="matchbox")
    plan = make_plan([cell], backend.model)
    seen: list[Look] = []
    with store.writing(tmp_path / "run", NOBODY, {}) as folder:
        list(render(plan, backend, folder, run_batch=Stepper(backend, plan, seen.extend)))
    last, middle = seen[-1].clean(), seen[len(seen) // 2].clean()
    first = seen[0].clean()
    assert np.abs(middle - last).mean() < np.abs(first - last).mean() < 1
    assert last.dtype == np.float32


@pytest.mark.parametrize("size", [Size(height=64, width=64), Size(height=96, width=160)])
def test_a_linear_decoder_is_projected_exactly(size: Size) -> None:
    """The toy's latents are colours of 8 x 8 pixels; what is finer than that cannot be known."""
    backend = ToyBackend()
    projection = Projection.fit(backend, size, np.random.default_rng(0))
    latents = backend.encode([_picture(size)])[0]
    shown, wanted = projection.pixels(latents), decode(latents)
    factor = 16 // projection.grain
    assert shown.shape == (size.height // factor, size.width // factor, 3)
    coarse = wanted.reshape(*shown.shape[:1], factor, shown.shape[1], factor, 3).mean(axis=(1, 3))
    assert np.abs(shown - coarse).mean() < 8


def test_a_preview_is_small_and_the_same_every_time() -> None:
    backend, size = ToyBackend(), Size(height=64, width=64)
    latents = backend.noise(1, size)
    files = {Projection.fit(backend, size, np.random.default_rng(0)).webp(latents) for _ in range(2)}
    assert len(files) == 1
    assert len(files.pop()) < 8000


def _picture(size: Size) -> np.ndarray:
    rows, columns = np.mgrid[0 : size.height, 0 : size.width]
    red, green = 40 + 150 * (rows > size.height / 2), 30 + 180 * (columns > size.width / 3)
    return np.stack([red, green, np.full_like(red, 90)], axis=-1).astype(np.uint8)


def test_the_embedded_models_projection_comes_with_it() -> None:
    directory = Path(api.model_place(None))
    held = weights.digest(directory, profile.read(directory, directory.name))
    with np.load(str(SHIPPED), allow_pickle=False) as shipped:
        assert str(shipped["model"]) == held, "run nano/fit_previews.py"
