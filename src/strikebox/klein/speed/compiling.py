"""The transformer's repeated blocks, compiled by torch."""

from collections.abc import Iterator

import torch._dynamo.config
import torch._dynamo.exc
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from torch import nn

_SHAPES = 64  # variants of a block that may be compiled before torch gives up

CompileError = torch._dynamo.exc.TorchDynamoException
"""What torch raises where it cannot compile, by whichever of its stages."""


def compile_blocks(transformer: Flux2Transformer2DModel) -> None:
    """Compile each kind of block when it first runs: seconds for the first size, and once more for others.

    The first size gets kernels of its own; from the second on they are made for any.
    """
    torch._dynamo.config.recompile_limit = max(torch._dynamo.config.recompile_limit, _SHAPES)
    transformer.compile_repeated_blocks(fullgraph=True)


def undo(transformer: Flux2Transformer2DModel) -> None:
    """Run the blocks as they were written."""
    for block in _blocks(transformer):
        block._compiled_call_impl = None  # what `nn.Module.compile` sets; torch has no way back of its own


def is_compiled(transformer: Flux2Transformer2DModel) -> bool:
    """Whether the blocks run compiled."""
    return any(block._compiled_call_impl is not None for block in _blocks(transformer))


def _blocks(transformer: Flux2Transformer2DModel) -> Iterator[nn.Module]:
    yield from transformer.transformer_blocks
    yield from transformer.single_transformer_blocks
