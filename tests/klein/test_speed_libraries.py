"""torchao, where it is installed (`pip install 'strikebox[speed]'`)."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import Flux2Transformer2DModel
from tiny_klein import asked

from strikebox.generation.backend import LoraState
from strikebox.klein.adapter import Adapter
from strikebox.klein.backend import KleinBackend
from strikebox.klein.forward import PlainForward
from strikebox.klein.speed import quantising, selfcheck
from strikebox.klein.speed.options import Options
from strikebox.klein.speed.tiers import Eight, Switches


def model(tiny: Path) -> Flux2Transformer2DModel:
    return Flux2Transformer2DModel.from_pretrained(tiny / "transformer", dtype=torch.bfloat16).eval()


def sample() -> selfcheck.Conditions:
    text = torch.randn(2, 12, 96, generator=torch.Generator().manual_seed(0)).bfloat16()
    return selfcheck.conditions(text, (4, 4))


@pytest.mark.parametrize("kind", ["int8"])
def test_quantised_velocities_are_nearly_the_plain_ones(tiny: Path, kind: Eight) -> None:
    one = model(tiny)
    right = selfcheck.velocities(PlainForward(one), sample(), 16)
    before = quantising.quantise(one, kind)
    near = selfcheck.velocities(PlainForward(one), sample(), 16)
    assert 0 < selfcheck.error(near, right) < selfcheck.QUANTISED_TOLERANCE
    quantising.restore(one, before)
    assert torch.equal(selfcheck.velocities(PlainForward(one), sample(), 16), right)


@pytest.mark.parametrize("kind", ["int8", "fp8"])
@pytest.mark.parametrize("sets", [0, 2])
def test_a_lora_is_applied_before_quantisation(
    tiny: Path, tiny_lora: Path, kind: Eight, sets: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Merging into quantised layers is quantising the merged weights, kept or not, and undone by None."""
    # Weights can be kept in 8-bit floats anywhere; multiplying them takes a card, and is not done here.
    monkeypatch.setattr("torchao.quantization.quant_api._check_hardware_support", lambda *_: None)
    merged, after = model(tiny), model(tiny)
    Adapter(merged, tiny_lora).set(LoraState(scale=1.5))
    quantising.quantise(merged, kind)
    adapter = Adapter(after, tiny_lora, like=quantising.like, sets=sets)
    quantising.quantise(after, kind)
    for state in (LoraState(scale=1.5), None, LoraState(scale=1.5)):
        adapter.set(state)
    for name in adapter.layers:
        assert torch.equal(eight_bits(after, name), eight_bits(merged, name)), name
    adapter.set(None)
    pristine = model(tiny)
    quantising.quantise(pristine, kind)
    for name in adapter.layers:
        assert torch.equal(eight_bits(after, name), eight_bits(pristine, name)), name


def eight_bits(quantised: Flux2Transformer2DModel, layer: str) -> torch.Tensor:
    weight: Any = quantised.get_submodule(layer).weight
    return weight.qdata.float()


def test_a_quantised_backend_says_so(tiny: Path, tiny_lora: Path) -> None:
    options = Options(switches=Switches(once=True, eight="int8"))
    fast = KleinBackend.load(tiny, tiny_lora, device="cpu", dtype="bfloat16", options=options)
    plain = KleinBackend.load(tiny, tiny_lora, device="cpu", dtype="bfloat16")
    assert fast.became.settings == {"eight": "int8"} and fast.model.hash != plain.model.hash
    for lora in (LoraState(scale=1.0), None):
        near, right = (one.denoise([asked(one, lora=lora)])[0] for one in (fast, plain))
        assert 0 < np.linalg.norm(near - right) < 0.3 * np.linalg.norm(right)
