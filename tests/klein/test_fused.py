"""Blocks by their own kernels, run by Triton's interpreter: diffusers' velocities, in any batch."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import layer_norm, rms_norm, scaled_dot_product_attention, silu

from strikebox.klein import weights
from strikebox.klein.forward import Conditions, PlainForward
from strikebox.klein.speed import attention, selfcheck

pytestmark = pytest.mark.skipif(find_spec("triton") is None, reason="there is no Triton for this machine")
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
EIGHT = torch.float8_e4m3fn
# 8-bit floats have 3 bits after the first: rounded, as a card does it, or cut off, as the interpreter does.
ROUNDING = 0.03 if DEVICE.type == "cuda" else 0.1


Draw = Callable[..., Tensor]


@pytest.fixture(scope="module")
def kernels() -> ModuleType:
    from strikebox.klein.speed import kernels

    return kernels


@pytest.fixture
def draw() -> Draw:
    """Numbers from a normal distribution, in a shape."""
    generator = torch.Generator().manual_seed(3)
    return lambda *shape: torch.randn(shape, generator=generator).to(DEVICE)


def relative(found: Tensor, right: Tensor) -> float:
    return float(torch.linalg.vector_norm(found.float() - right) / torch.linalg.vector_norm(right))


def whole(rows: object) -> Tensor:
    """Rows in 8 bits as numbers."""
    values, steps = rows.values.float(), rows.steps  # type: ignore[attr-defined]
    return values if steps is None else values * steps[..., None]


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-6), (EIGHT, ROUNDING)])
@pytest.mark.parametrize("width", [64, 96])
def test_a_norm_with_modulation(
    kernels: ModuleType, draw: Draw, width: int, dtype: torch.dtype, most: float
) -> None:
    hidden, update = draw(2, 2, 3, width).unbind()
    shift, scale, gate = draw(3, 1, 1, width).unbind()
    summed, rows = kernels.added_and_normed(hidden, gate, update, shift, scale, 1e-6, dtype)
    right = hidden + gate * update
    assert relative(summed, right) < 1e-6
    assert torch.equal(kernels.added(hidden, gate, update), summed)
    right = layer_norm(right, (width,), eps=1e-6) * (1 + scale) + shift
    assert relative(whole(rows), right) < most
    assert relative(whole(kernels.normed(summed, shift, scale, 1e-6, dtype)), right) < most


def test_queries_are_normed_and_turned(kernels: ModuleType, draw: Draw) -> None:
    from diffusers.models.embeddings import apply_rotary_emb

    values = draw(2, 5, 144)[..., 48:96].unflatten(-1, (3, 16))  # of a wider projection
    weight = draw(16)
    angles = draw(7, 8).repeat_interleave(2, dim=1)
    rotary = (angles.cos(), angles.sin())
    into = torch.zeros(2, 7, 3, 16, device=DEVICE)
    kernels.turned(values, weight, 1e-6, rotary, into, 2)
    normed = rms_norm(values, (16,), weight, 1e-6)
    turn: Any = apply_rotary_emb
    right = turn(normed, tuple(table[2:] for table in rotary), sequence_dim=1)
    assert relative(into[:, 2:], right) < 1e-6 and not into[:, :2].any()


@pytest.mark.parametrize(("dtype", "most"), [(torch.float32, 1e-6), (EIGHT, ROUNDING)])
@pytest.mark.parametrize("inner", [32, 40])
def test_attention_and_feed_forward_side_by_side(
    kernels: ModuleType, draw: Draw, inner: int, dtype: torch.dtype, most: float
) -> None:
    attended = draw(2, 5, 3, 16)[:, 1:]
    wide = draw(2, 4, 7 + 2 * inner)[..., 7:]
    gated = silu(wide[..., :inner]) * wide[..., inner:]
    for parts in ((attended, wide), (attended, None), (None, wide)):
        rows = kernels.gathered(parts[0], None, parts[1], dtype)
        right = [attended.flatten(2)] * (parts[0] is not None) + [gated] * (parts[1] is not None)
        assert relative(whole(rows), torch.cat(right, dim=-1)) < most


def test_values_in_8_bits_are_what_they_were(kernels: ModuleType, draw: Draw) -> None:
    """However large, and back again beside the feed-forward; a head that is all zero stays so."""
    values = draw(2, 5, 3, 16) * torch.tensor([1e-3, 1.0, 1e6], device=DEVICE)[:, None]
    values[1, :, 0] = 0
    from strikebox.klein.speed import fused

    into, steps = fused._shrunk(
        [fused._Stream(values, values, values, norms=())],  # type: ignore[arg-type]
        torch.empty(values.shape, dtype=EIGHT, device=DEVICE),
    )
    found = kernels.gathered(into, steps, None, torch.float32).values.unflatten(-1, (3, 16))
    for head in range(3):
        assert relative(found[:, :, head], values[:, :, head]) < ROUNDING
    assert not found[1, :, 0].any()


def reference(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Attention over 8-bit floats, computed in float32."""
    wide = [tensor.float().transpose(1, 2) for tensor in (query, key, value)]
    mean = scaled_dot_product_attention(wide[0], wide[1], wide[2])
    return mean.transpose(1, 2).to(query.dtype).contiguous()


class Model:
    """A tiny transformer and its velocities of two steps, of few tokens: the interpreter is slow."""

    def __init__(self, place: Path) -> None:
        self.transformer = weights.load(place, device=DEVICE, dtype=torch.float32).transformer
        dim = self.transformer.config["joint_attention_dim"]
        text = torch.randn(2, 3, dim, generator=torch.Generator().manual_seed(1)).to(DEVICE)
        self.given: Conditions = selfcheck.conditions(text, (2, 2))

    def velocities(self) -> Tensor:
        channels = self.transformer.config["in_channels"]
        return selfcheck.velocities(PlainForward(self.transformer), self.given, channels)


@pytest.mark.parametrize(("eight", "most"), [(False, 1e-5), (True, 2 * ROUNDING)])
def test_the_blocks_are_those_of_diffusers(tiny: Path, kernels: ModuleType, eight: bool, most: float) -> None:
    from strikebox.klein.speed import fused

    model = Model(tiny)
    right = model.velocities()
    kernel = reference if eight else attention.kernel(attention.DEFAULT)
    fused.use(model.transformer, fused.Attention(kernel, eight))
    found = model.velocities()
    assert 0 < selfcheck.error(found, right) < most
    fused.undo(model.transformer)
    assert torch.equal(model.velocities(), right)


def test_fused_blocks_prove_themselves(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong with them is found at load, and the compiler takes over."""
    from strikebox.klein.speed import compiling, fused, tuning
    from strikebox.klein.speed.tiers import Switches

    def tuned() -> tuning.Tuned:
        model = Model(tiny)
        sample = tuning.Sample(lambda: model.given.text, (2, 2))
        return tuning.Tuned(model.transformer, Switches(once=True, fused=True, compiled=True), sample)

    assert tuned().switches == Switches(once=True, fused=True) and tuned().notices == ()
    right = fused.kernels.added
    monkeypatch.setattr(fused.kernels, "added", lambda hidden, gate, update: right(hidden, -gate, update))
    monkeypatch.setattr(compiling, "compile_blocks", lambda _: None)
    found = tuned()
    assert found.switches == Switches(once=True, compiled=True) and "fused blocks: off" in found.notices[0]
