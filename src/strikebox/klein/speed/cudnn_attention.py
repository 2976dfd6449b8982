"""Attention over 8-bit floats by cuDNN's graphs: torch has cuDNN's attention for 16 bits alone."""

import atexit
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

import torch
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from torch import Tensor

from strikebox.klein.speed import attention, machine
from strikebox.klein.speed.products import EIGHT

_PROBABILITIES = 256.0  # probabilities, 0 to 1, are kept in 8 bits as multiples: most are far below one
_QUESTION = "8-bit attention of {} tokens gains"


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(query key^T / sqrt(head size)) value.

    All (rows, tokens, heads, head size) in float8_e4m3fn, as is the result. Raises ImportError without the
    frontend of cuDNN, and its error where the card cannot do it.
    """
    plan = _plan(tuple(query.shape), query.device.index)
    return plan(query.contiguous(), key.contiguous(), value.contiguous())


def gains(transformer: Flux2Transformer2DModel, tokens: int, kernel: str) -> bool:
    """Whether it is faster than the kernel called `kernel`, for forwards of `tokens` (text included).

    Raises as `attend` does.
    """
    device, dtype = transformer.device, transformer.dtype
    known = machine.recall(_QUESTION.format(tokens), device, dtype)
    if known is None:
        inputs = attention.sample(transformer, tokens)
        eight = [tensor.to(EIGHT) for tensor in inputs]
        run = attention.kernel(kernel)
        known = attention.milliseconds(lambda: attend(*eight)) < attention.milliseconds(lambda: run(*inputs))
        machine.remember(_QUESTION.format(tokens), device, dtype, known)
    return bool(known)


@dataclass(frozen=True, slots=True)
class _Plan:
    """A graph for one shape, built."""

    graph: Any
    inputs: tuple[Any, ...]  # places of query, key and value
    output: Any
    constants: dict[Any, Tensor]  # scales, and places for what nobody asks for
    workspace: int  # bytes

    def __call__(self, *given: Tensor) -> Tensor:
        result = torch.empty_like(given[0])
        device = result.device
        aside = torch.empty(self.workspace, device=device, dtype=torch.uint8)
        tensors = dict(zip(self.inputs, map(_by_heads, given), strict=True))
        stream = torch.cuda.current_stream(device).cuda_stream
        handle = _handle(device.index)
        _cudnn().set_stream(handle=handle, stream=stream)
        self.graph.execute(
            {**tensors, **self.constants, self.output: _by_heads(result)}, aside, handle=handle
        )
        return result


@cache
def _plan(shape: tuple[int, int, int, int], device: int) -> _Plan:
    cudnn = _cudnn()
    eight, single = cudnn.data_type.FP8_E4M3, cudnn.data_type.FLOAT
    graph = cudnn.pygraph(
        io_data_type=eight, intermediate_data_type=single, compute_data_type=single, handle=_handle(device)
    )
    like = _by_heads(torch.empty(shape, device="meta"))
    size, stride = list(like.size()), list(like.stride())
    inputs = tuple(graph.tensor(dim=size, stride=stride, data_type=eight) for _ in range(3))
    one = {"dim": [1, 1, 1, 1], "stride": [1, 1, 1, 1], "data_type": single}
    names = ("descale_q", "descale_k", "descale_v", "descale_s", "scale_s", "scale_o")
    scales = {name: graph.tensor(**one) for name in names}
    output, _, *largest = graph.sdpa_fp8(
        **dict(zip("qkv", inputs, strict=True)), **scales, is_inference=True, attn_scale=shape[-1] ** -0.5
    )
    output.set_output(True).set_dim(size).set_stride(stride).set_data_type(eight)
    for place in largest:  # cuDNN wants to tell the largest values that it met
        place.set_output(True).set_dim(one["dim"]).set_stride(one["stride"]).set_data_type(single)
    graph.build([cudnn.heur_mode.A, cudnn.heur_mode.FALLBACK])
    given = {"descale_s": 1 / _PROBABILITIES, "scale_s": _PROBABILITIES}
    constants = {
        **{place: torch.full((1, 1, 1, 1), given.get(n, 1.0), device=device) for n, place in scales.items()},
        **{place: torch.empty(1, 1, 1, 1, device=device) for place in largest},
    }
    return _Plan(graph, inputs, output, constants, max(1, graph.get_workspace_size()))


def _by_heads(tensor: Tensor) -> Tensor:
    """(rows, tokens, heads, size) as cuDNN counts: (rows, heads, tokens, size), nothing moved."""
    return tensor.transpose(1, 2)


@cache
def _handle(device: int) -> Any:
    with torch.cuda.device(device):
        return _cudnn().create_handle()


@cache
def _cudnn() -> Any:
    """An extra: whoever asks for it has looked whether it is there."""
    atexit.register(_plan.cache_clear)  # it complains of graphs that outlive it
    return import_module("cudnn")
