"""A LoRA's arithmetic on the weights: as diffusers and PEFT do it, in every format, and undone exactly."""

import copy
from collections.abc import Callable
from pathlib import Path

import lora_formats
import pytest
import torch
from diffusers import Flux2Transformer2DModel
from tiny_klein import random_lora, save_lora
from torch import Tensor

from strikebox.errors import LoraError
from strikebox.generation.backend import LoraState
from strikebox.klein.adapter import Adapter

Lora = dict[str, Tensor]
ONE = LoraState(scale=1.0)


@pytest.fixture
def transformer(tiny: Path) -> Flux2Transformer2DModel:
    return Flux2Transformer2DModel.from_pretrained(tiny / "transformer").requires_grad_(False)


@pytest.fixture
def lora(transformer: Flux2Transformer2DModel) -> Lora:
    return random_lora(transformer)


def weights(transformer: Flux2Transformer2DModel) -> Lora:
    return {name: weight.clone() for name, weight in transformer.state_dict().items()}


def same(one: Lora, other: Lora) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def merged(transformer: Flux2Transformer2DModel, path: Path, state: LoraState = ONE) -> Lora:
    adapter = Adapter(transformer, path)
    adapter.set(state)
    result = weights(transformer)
    adapter.set(None)
    return result


@pytest.mark.parametrize("alpha", [None, 2.0, 8.0])
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_merged_weights_are_those_that_peft_fuses(
    transformer: Flux2Transformer2DModel, lora: Lora, tmp_path: Path, alpha: float | None, scale: float
) -> None:
    path = save_lora(tmp_path / "lora.safetensors", lora, alpha)
    ours = merged(transformer, path, LoraState(scale=scale))
    transformer.load_lora_adapter(str(path.parent), weight_name=path.name, prefix="transformer")
    transformer.fuse_lora(lora_scale=scale)
    transformer.unload_lora()
    for name, fused in transformer.state_dict().items():
        torch.testing.assert_close(ours[name], fused, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "convert",
    [
        lora_formats.to_ai_toolkit,
        lora_formats.to_peft,
        lora_formats.to_kohya,
        lambda x: lora_formats.to_kohya(x, 2),
    ],
    ids=["ai-toolkit", "PEFT", "kohya", "kohya with alpha"],
)
def test_every_format_gives_the_same_weights(
    transformer: Flux2Transformer2DModel, lora: Lora, tmp_path: Path, convert: Callable[[Lora], Lora]
) -> None:
    wanted = merged(transformer, save_lora(tmp_path / "diffusers.safetensors", lora))
    assert not same(wanted, weights(transformer))
    assert same(wanted, merged(transformer, save_lora(tmp_path / "other.safetensors", convert(lora))))


@pytest.mark.parametrize(("alpha", "ratio"), [(None, 1.0), (4.0, 1.0), (8.0, 2.0), (1.0, 0.25)])
def test_alpha_over_rank_is_part_of_scale_one(
    transformer: Flux2Transformer2DModel, lora: Lora, tmp_path: Path, alpha: float | None, ratio: float
) -> None:
    """Absent means alpha = rank (4): a file trained at 8 that does not say so has half its strength."""
    stated = Adapter(transformer, save_lora(tmp_path / "stated.safetensors", lora, alpha))
    assert stated.header.effective_scale == (ratio, ratio)
    plain = merged(transformer, save_lora(tmp_path / "plain.safetensors", lora), LoraState(scale=ratio))
    assert same(plain, merged(transformer, tmp_path / "stated.safetensors"))


def test_none_restores_every_bit(transformer: Flux2Transformer2DModel, tiny_lora: Path) -> None:
    pristine = weights(transformer)
    adapter = Adapter(transformer, tiny_lora)
    for scale in (0.1, 2.0, -3.7, 1e6):
        adapter.set(LoraState(scale=scale))
        assert not same(pristine, weights(transformer))
        adapter.set(None)
        assert same(pristine, weights(transformer))
    adapter.set(LoraState(scale=0.0))
    assert same(pristine, weights(transformer))


def test_the_way_to_a_state_does_not_matter(transformer: Flux2Transformer2DModel, tiny_lora: Path) -> None:
    """Weights are pristine + delta, never a sum of differences: 2 after 1 after -3 is 2."""
    adapter = Adapter(transformer, tiny_lora)
    adapter.set(LoraState(scale=2.0))
    straight = weights(transformer)
    for scale in (1.0, -3.0, 2.0):
        adapter.set(LoraState(scale=scale))
    assert same(straight, weights(transformer))


def test_blocks_scale_their_own_layers(transformer: Flux2Transformer2DModel, tiny_lora: Path) -> None:
    """The most specific prefix wins, and transformer_blocks is no part of single_transformer_blocks."""
    full, half = merged(transformer, tiny_lora), merged(transformer, tiny_lora, LoraState(scale=0.5))
    blocks = (("transformer_blocks", 0.5), ("transformer_blocks.1", 0.0))
    mixed = merged(transformer, tiny_lora, LoraState(scale=1.0, blocks=blocks))
    pristine = weights(transformer)
    for name, weight in mixed.items():
        if name.startswith("transformer_blocks.1."):
            wanted = pristine[name]
        else:
            wanted = half[name] if name.startswith("transformer_blocks.") else full[name]
        assert torch.equal(weight, wanted), name


def test_a_block_that_the_lora_does_not_touch_is_an_error(
    transformer: Flux2Transformer2DModel, tiny_lora: Path
) -> None:
    adapter = Adapter(transformer, tiny_lora)
    pristine = weights(transformer)
    with pytest.raises(LoraError, match=r"no block 'transformer_blocks\.7'"):
        adapter.set(LoraState(scale=1.0, blocks=(("transformer_blocks.7", 1.0),)))
    assert same(pristine, weights(transformer))


def test_weights_in_bfloat16_are_rounded_once(transformer: Flux2Transformer2DModel, tiny_lora: Path) -> None:
    coarse = copy.deepcopy(transformer).bfloat16()
    transformer.load_state_dict(coarse.state_dict())
    fine = merged(transformer, tiny_lora)
    assert all(torch.equal(w, fine[name].bfloat16()) for name, w in merged(coarse, tiny_lora).items())


def test_bare_keys_are_an_error_where_diffusers_would_load_nothing(
    transformer: Flux2Transformer2DModel, lora: Lora, tmp_path: Path
) -> None:
    path = save_lora(tmp_path / "bare.safetensors", lora_formats.to_bare(lora))
    with pytest.raises(LoraError, match="touches no layer"):
        Adapter(transformer, path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda w: {k: torch.cat([v, v], 1) if ".lora_A." in k else v for k, v in w.items()},
            "inputs, this model's has",
        ),
        (
            lambda w: {k: torch.cat([v, v]) if ".lora_B." in k else v for k, v in w.items()},
            "outputs, this model's has",
        ),
        (
            lambda w: {k.replace("blocks.1.", "blocks.9."): v for k, v in w.items()},
            r"no layer .*transformer_blocks\.9\.",
        ),
        (lambda w: w | {"transformer.x_embedder.alpha": torch.tensor(1.0)}, "does not read"),
    ],
    ids=["inputs", "outputs", "depth", "alpha tensor"],
)
def test_a_lora_of_another_model_is_one_clear_error(
    transformer: Flux2Transformer2DModel,
    lora: Lora,
    tmp_path: Path,
    change: Callable[[Lora], Lora],
    message: str,
) -> None:
    pristine = weights(transformer)
    with pytest.raises(LoraError, match=message) as error:
        Adapter(transformer, save_lora(tmp_path / "other.safetensors", change(lora)))
    assert "\n" not in str(error.value)
    assert same(pristine, weights(transformer))
