"""8-bit matrix products by torchao: weights once a set, activations a row at a time as they come.

Only the linear layers inside the blocks: what leads into and out of them (embeddings, modulation, the last
projection) is a hundredth of the work and decides everything after it, so it stays as it is.
"""

from collections.abc import Iterator
from functools import cache
from importlib import import_module
from typing import Any

import torch
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from torch import Tensor, nn

from strikebox.klein.speed.tiers import Eight

BLOCKS = ("transformer_blocks.", "single_transformer_blocks.")


def layers(
    transformer: Flux2Transformer2DModel, left_out: tuple[str, ...] = ()
) -> Iterator[tuple[str, nn.Linear]]:
    """Names and layers to quantise: those in the blocks whose name begins with none of `left_out`."""
    for name, module in transformer.named_modules():
        if isinstance(module, nn.Linear) and name.startswith(BLOCKS) and not name.startswith(left_out):
            yield name, module


def quantise(
    transformer: Flux2Transformer2DModel, kind: Eight, left_out: tuple[str, ...] = ()
) -> dict[str, Tensor]:
    """Quantise the blocks in place. Returns the weights as they were, on the CPU, by layer: for `restore`.

    Raises ImportError without torchao, RuntimeError or AssertionError where the device cannot; then
    nothing is quantised.
    """
    before: dict[str, Tensor] = {}
    try:
        for name, layer in list(layers(transformer, left_out)):
            before[name] = layer.weight.detach().cpu()
            layer.weight = nn.Parameter(quantised(layer.weight.detach(), kind), requires_grad=False)
    except BaseException:
        restore(transformer, before)
        raise
    return before


def restore(transformer: Flux2Transformer2DModel, weights: dict[str, Tensor]) -> None:
    """Undo `quantise`."""
    device = transformer.device
    for name, weight in weights.items():
        layer = transformer.get_submodule(name)
        layer.weight = nn.Parameter(weight.to(device), requires_grad=False)


def quantised(weight: Tensor, kind: Eight) -> Tensor:
    """`weight` (out, in) as torchao keeps it: 8 bits and a scale a row."""
    holder = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    holder.weight = nn.Parameter(weight, requires_grad=False)
    _quantize(holder, kind)
    return holder.weight.detach()


def like(present: Tensor, weight: Tensor) -> Tensor:
    """`weight` (float32) in the form of the layer's `present` weight: its dtype, or as torchao keeps it."""
    kind = kind_of(present)
    if kind is None:
        return weight.to(present.dtype)
    return quantised(weight.to(torch.bfloat16), kind)


def kind_of(weight: Tensor) -> Eight | None:
    """How `weight` is quantised."""
    inner: Any = getattr(weight, "qdata", None)  # torchao's tensors carry their 8-bit data there
    if inner is None:
        return None
    return "int8" if inner.dtype == torch.int8 else "fp8"


def _quantize(module: nn.Module, kind: Eight) -> None:
    _torchao().quantize_(module, _config(kind))


@cache
def _config(kind: Eight) -> Any:
    # torchao's own inductor settings try every variant of every kernel: minutes, for a few per cent.
    ao = _torchao()
    if kind == "fp8":
        return ao.Float8DynamicActivationFloat8WeightConfig(
            granularity=ao.PerRow(), set_inductor_config=False
        )
    # Without it the int32 products of a layer are written out before they are scaled.
    inductor: Any = import_module("torch._inductor.config")
    inductor.force_fuse_int_mm_with_mul = True
    return ao.Int8DynamicActivationInt8WeightConfig(set_inductor_config=False)


def _torchao() -> Any:
    """An extra: whoever asks for it has looked whether it is there."""
    return import_module("torchao.quantization")
