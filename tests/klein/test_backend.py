"""What the backend refuses, and how it fits its work into the device's memory."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from strikebox.errors import DeviceError, LoraError, ModelError
from strikebox.generation.backend import Denoise, LoraState, Size
from strikebox.klein.backend import KleinBackend
from strikebox.klein.chunks import in_chunks
from strikebox.lora import header


@pytest.fixture(scope="module")
def backend(tiny: Path) -> KleinBackend:
    return KleinBackend.load(tiny, device="cpu", dtype="float32")


@pytest.fixture
def asked(backend: KleinBackend) -> Denoise:
    noise = backend.noise(1, backend.model.size)
    return Denoise(latents=noise, sigmas=(1.0, 0.0), prompt="cat", guidance=3.0, lora=None, reference=None)


def test_model_says_what_it_is(tiny: Path, tiny_lora: Path) -> None:
    model = KleinBackend.load(tiny, tiny_lora, device="cpu").model
    assert (model.name, model.size, model.pixels_per_token) == ("tiny", Size(height=64, width=64), 16)
    assert (model.lora_name, model.lora_hash) == ("style", header.read(tiny_lora).hash)
    assert model.architecture.dim == 32


def test_noise_is_what_a_generator_of_that_seed_gives(backend: KleinBackend) -> None:
    noise = backend.noise(7, Size(height=32, width=48))
    wanted = torch.randn((1, 16, 2, 3), generator=torch.Generator("cpu").manual_seed(7))
    assert noise.dtype == np.float32 and np.array_equal(noise, wanted[0].numpy())


@pytest.mark.parametrize(("height", "width"), [(63, 64), (64, 72), (0, 64), (64, -16), (8, 8)])
def test_a_size_off_the_grid_is_refused(backend: KleinBackend, height: int, width: int) -> None:
    with pytest.raises(ModelError, match="multiples of 16"):
        backend.noise(1, Size(height=height, width=width))


def test_a_lora_that_is_not_there_is_refused(backend: KleinBackend, asked: Denoise) -> None:
    with pytest.raises(LoraError, match="none was given"):
        backend.denoise([replace(asked, lora=LoraState(scale=1.0))])


def test_a_batch_must_agree(backend: KleinBackend, asked: Denoise) -> None:
    with pytest.raises(ValueError, match="agree"):
        backend.denoise([asked, replace(asked, sigmas=(0.5, 0.0))])


def test_nothing_in_nothing_out(backend: KleinBackend) -> None:
    assert backend.denoise([]) == backend.decode([]) == backend.encode([]) == []


def test_requests_stay_as_they_are(backend: KleinBackend, asked: Denoise) -> None:
    before = asked.latents.copy()
    backend.denoise([asked, asked])
    assert np.array_equal(before, asked.latents)


def test_a_distilled_model_ignores_guidance(tiny: Path, tmp_path: Path, asked: Denoise) -> None:
    import json
    import shutil

    shutil.copytree(tiny, tmp_path / "distilled")
    profile = tmp_path / "distilled" / "profile.json"
    profile.write_text(json.dumps(json.loads(profile.read_text()) | {"distilled": True}))
    backend = KleinBackend.load(tmp_path / "distilled", device="cpu")
    one, other = backend.denoise([asked, replace(asked, guidance=1.0)])
    assert np.array_equal(one, other)


def test_bfloat16_makes_nearly_the_same_latents(tiny: Path, backend: KleinBackend, asked: Denoise) -> None:
    """Latents stay in float32 between steps: only velocities are rounded, otherwise on each processor."""
    steps = replace(asked, sigmas=(1.0, 0.9, 0.7, 0.4, 0.0))
    coarse = KleinBackend.load(tiny, device="cpu", dtype="bfloat16").denoise([steps])[0]
    fine = backend.denoise([steps])[0]
    assert coarse.dtype == np.float32
    assert np.linalg.norm(coarse - fine) < 0.1 * np.linalg.norm(fine)


def test_encoding_in_chunks_is_encoding(backend: KleinBackend) -> None:
    pictures = list(np.random.default_rng(0).integers(0, 256, (40, 64, 64, 3), dtype=np.uint8))
    alone = backend.encode(pictures[-1:])[0]
    np.testing.assert_allclose(backend.encode(pictures)[-1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("room", [1, 2, 3, 7])
def test_chunks_halve_until_they_fit(room: int) -> None:
    sizes: list[int] = []

    def work(items: Sequence[int]) -> list[int]:
        sizes.append(len(items))
        if len(items) > room:
            raise torch.OutOfMemoryError
        return [item * 2 for item in items]

    assert in_chunks(work, range(16), 16) == [item * 2 for item in range(16)]
    assert sizes[0] == 16 and max(sizes[-2:]) <= room


def test_one_that_does_not_fit_is_an_error() -> None:
    def work(_: Sequence[int]) -> list[int]:
        raise torch.OutOfMemoryError

    with pytest.raises(DeviceError, match="no room"):
        in_chunks(work, range(4), 4)
