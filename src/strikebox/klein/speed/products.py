"""A linear layer's product of rows in 16 or in 8 bits, by which of the two its weights are kept in."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from strikebox.klein.speed.quantising import kind_of

EIGHT = torch.float8_e4m3fn
MOST = 448.0  # the largest of them
LEAST = 1e-12  # of the largest value that is written in them: what is all zero stays so


@dataclass(frozen=True, slots=True)
class Rows:
    """What a product takes: (rows, tokens, width)."""

    values: Tensor  # 16 bits, or 8
    steps: Tensor | None = None  # (rows, tokens), float32: what 1 means in 8-bit values


def taken(layer: nn.Linear) -> torch.dtype:
    """Of the values that the products of `layer` take."""
    return EIGHT if kind_of(layer.weight) == "fp8" else layer.weight.dtype


def product(layer: nn.Linear, rows: Rows) -> Tensor:
    """`rows` through `layer`, which has no bias: (rows, tokens, out), bfloat16 where they are in 8 bits."""
    assert layer.bias is None
    if rows.steps is None:
        return linear(rows.values, layer.weight)
    weight: Any = layer.weight
    result = torch._scaled_mm(
        rows.values.flatten(0, 1),
        weight.qdata.t(),
        scale_a=rows.steps.view(-1, 1),
        scale_b=weight.scale.view(1, -1),
        out_dtype=torch.bfloat16,
        use_fast_accum=True,
    )
    return result.view(*rows.values.shape[:2], -1)
