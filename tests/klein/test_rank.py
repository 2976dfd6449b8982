"""A LoRA cut to a lower rank is the nearest one of that rank, and the whole one where nothing is cut."""

from pathlib import Path

import pytest
import torch
from diffusers import Flux2Transformer2DModel
from tiny_klein import RANK, random_lora, save_lora
from torch import Tensor

from strikebox.generation.backend import Denoise, LoraState, Size
from strikebox.klein.adapter import Adapter, Delta, read_deltas
from strikebox.klein.backend import KleinBackend

ONE = LoraState(scale=1.0)


@pytest.fixture
def transformer(tiny: Path) -> Flux2Transformer2DModel:
    return Flux2Transformer2DModel.from_pretrained(tiny / "transformer").requires_grad_(False)


def random_delta(out: int, inner: int, rank: int, seed: int = 0) -> Delta:
    generator = torch.Generator().manual_seed(seed)
    down = torch.randn(rank, inner, generator=generator)
    return Delta(down, torch.randn(out, rank, generator=generator), 2.0)


def weights(transformer: Flux2Transformer2DModel, adapter: Adapter, state: LoraState) -> dict[str, Tensor]:
    adapter.set(state)
    return {name: weight.clone() for name, weight in transformer.state_dict().items()}


@pytest.mark.parametrize(
    ("out", "inner", "rank"), [(40, 24, 8), (24, 40, 8), (6, 40, 8), (40, 6, 8), (3, 3, 8)]
)
def test_directions_in_order_are_the_lora_to_float_precision(out: int, inner: int, rank: int) -> None:
    whole = random_delta(out, inner, rank)
    torch.testing.assert_close(whole.ordered().dense(), whole.dense(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rank", [1, 2, 5, 7])
def test_a_cut_is_the_best_of_its_rank(rank: int) -> None:
    """Eckart and Young: what is lost has the singular values that were left out; nothing loses less."""
    whole = random_delta(40, 24, 8)
    cut = whole.ordered().first(rank)
    values = torch.linalg.svdvals(whole.dense().double())
    lost = torch.linalg.svdvals((whole.dense() - cut.dense()).double())
    assert torch.linalg.matrix_rank(cut.dense().double(), rtol=1e-5) == rank
    torch.testing.assert_close(lost[: 8 - rank], values[rank:8], rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(lost[8 - rank :], torch.zeros(16 + rank).double(), rtol=0, atol=1e-4)


def test_nothing_is_lost_where_the_product_has_that_rank_already() -> None:
    """A file of rank 8 whose second half repeats the first holds no more than rank 4."""
    half = random_delta(40, 24, 4)
    padded = Delta(torch.cat([half.down, half.down]), torch.cat([half.up, -0.5 * half.up], dim=1), 2.0)
    torch.testing.assert_close(padded.ordered().first(4).dense(), padded.dense(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("rank", [RANK, RANK + 1, 1000])
def test_a_rank_that_cuts_nothing_gives_the_same_weights_to_the_bit(
    transformer: Flux2Transformer2DModel, tiny_lora: Path, rank: int
) -> None:
    adapter = Adapter(transformer, tiny_lora)
    whole = weights(transformer, adapter, ONE)
    cut = weights(transformer, adapter, LoraState(scale=1.0, rank=rank))
    assert all(torch.equal(whole[name], cut[name]) for name in whole)


def test_weights_are_pristine_plus_the_cut_of_each_layer(
    transformer: Flux2Transformer2DModel, tiny_lora: Path
) -> None:
    """Against an SVD of the dense product of each layer; scale and blocks hold as without a rank."""
    pristine = {name: weight.clone() for name, weight in transformer.state_dict().items()}
    deltas = read_deltas(transformer, tiny_lora)
    state = LoraState(scale=1.5, blocks=(("single_transformer_blocks", 0.5),), rank=2)
    cut = weights(transformer, Adapter(transformer, tiny_lora), state)
    for name, delta in deltas.items():
        u, values, v = torch.linalg.svd(delta.dense().double(), full_matrices=False)
        factor = 0.75 if name.startswith("single_transformer_blocks.") else 1.5
        wanted = pristine[f"{name}.weight"] + factor * ((u[:, :2] * values[:2]) @ v[:2]).float()
        torch.testing.assert_close(cut[f"{name}.weight"], wanted, rtol=1e-5, atol=1e-5)


def test_the_way_to_a_rank_does_not_matter_and_none_restores_every_bit(
    transformer: Flux2Transformer2DModel, tiny_lora: Path
) -> None:
    pristine = {name: weight.clone() for name, weight in transformer.state_dict().items()}
    adapter = Adapter(transformer, tiny_lora)
    straight = weights(transformer, adapter, LoraState(scale=1.0, rank=2))
    for state in (ONE, LoraState(scale=1.0, rank=1), LoraState(scale=2.0, rank=3)):
        adapter.set(state)
    again = weights(transformer, adapter, LoraState(scale=1.0, rank=2))
    assert all(torch.equal(straight[name], again[name]) for name in straight)
    adapter.set(None)
    assert all(torch.equal(pristine[name], w) for name, w in transformer.state_dict().items())


def test_a_picture_of_the_backend_depends_on_the_rank(tiny: Path, tiny_lora: Path) -> None:
    backend = KleinBackend.load(tiny, tiny_lora, device="cpu", dtype="float32")
    noise = backend.noise(1, Size(height=64, width=64))

    def latents(rank: int | None) -> Tensor:
        state = LoraState(scale=1.0, rank=rank)
        asked = Denoise(
            latents=noise, sigmas=(1.0, 0.8, 0.0), prompt="cat", guidance=2.0, lora=state, reference=None
        )
        return torch.from_numpy(backend.denoise([asked])[0])

    assert torch.equal(latents(None), latents(RANK))
    assert not torch.allclose(latents(None), latents(1), atol=1e-3)


def test_a_cut_of_the_file_is_the_cut_of_the_recipe(
    transformer: Flux2Transformer2DModel, tmp_path: Path
) -> None:
    """Saved as a file of its own, the cut LoRA is what the whole file gives with `rank`."""
    whole = save_lora(tmp_path / "whole.safetensors", random_lora(transformer))
    cut: dict[str, Tensor] = {}
    for name, delta in read_deltas(transformer, whole).items():
        small = delta.ordered().first(2)
        cut[f"transformer.{name}.lora_A.weight"] = small.down.contiguous()
        cut[f"transformer.{name}.lora_B.weight"] = small.up.contiguous()
    own = Adapter(transformer, save_lora(tmp_path / "cut.safetensors", cut))
    wanted = weights(transformer, own, ONE)
    own.set(None)
    found = weights(transformer, Adapter(transformer, whole), LoraState(scale=1.0, rank=2))
    for name in wanted:
        torch.testing.assert_close(found[name], wanted[name], rtol=1e-6, atol=1e-6)
