"""What lies between products and attention in a block, as Triton kernels that read and write each value once.

torch's compiler makes of the same arithmetic kernels that take two to four times as long at full size. All
compute in float32. What a product takes is written in the product's own form: 16 bits, or 8 bits and a step a
row, the row's largest value being 448 steps.
"""

from typing import Any

import torch
import triton
from torch import Tensor

from strikebox.klein.speed import triton_kernels
from strikebox.klein.speed.products import EIGHT, LEAST, MOST, Rows

_AT_ONCE = 16  # tokens whose largest value one program finds
_KERNELS: Any = triton_kernels  # launching one takes options that Triton's types do not know


def normed(hidden: Tensor, shift: Tensor, scale: Tensor, eps: float, dtype: torch.dtype) -> Rows:
    """Layer norm of `hidden` (rows, tokens, width), times 1 + `scale`, plus `shift` (both (1, 1, width))."""
    _, result = _add_and_norm(hidden, None, None, shift, scale, eps, dtype)
    assert result is not None
    return result


def added(hidden: Tensor, gate: Tensor, update: Tensor) -> Tensor:
    """`hidden` + `gate` `update`: (rows, tokens, width), `gate` (1, 1, width)."""
    summed, _ = _add_and_norm(hidden, gate, update, None, None, 0.0, hidden.dtype)
    return summed


def added_and_normed(
    hidden: Tensor,
    gate: Tensor,
    update: Tensor,
    shift: Tensor,
    scale: Tensor,
    eps: float,
    dtype: torch.dtype,
) -> tuple[Tensor, Rows]:
    """`added`, and `normed` of that."""
    summed, result = _add_and_norm(hidden, gate, update, shift, scale, eps, dtype)
    assert result is not None
    return summed, result


def turned(
    values: Tensor, weight: Tensor, eps: float, rotary: tuple[Tensor, Tensor], into: Tensor, first: int
) -> None:
    """RMS norm of each head and rotary positions: `values` (rows, tokens, heads, size) to tokens of `into`.

    `into` has the same shape but for more tokens; those from `first` on are written. `rotary`: cosines and
    sines of all tokens of `into`, (tokens, size), float32.
    """
    rows, tokens, heads, size = values.shape
    cosines, sines = (table[first : first + tokens] for table in rotary)
    assert values.stride()[2:] == into.stride()[2:] == (size, 1)
    _KERNELS.turn[(tokens, rows)](
        values, weight, cosines, sines, into[:, first:],
        *values.stride()[:2], *into.stride()[:2], cosines.stride(0),
        HEADS=heads, SIZE=size, BLOCK=triton.next_power_of_2(heads), EPS=eps, num_warps=4,
    )  # fmt: skip


def head_steps(values: Tensor) -> Tensor:
    """(rows, heads), float32: 448 of them are the largest of a head's values (rows, tokens, heads, size)."""
    rows, tokens, heads, size = values.shape
    assert values.stride()[2:] == (size, 1)
    groups = triton.cdiv(tokens, _AT_ONCE)
    result = torch.empty(rows, groups, heads, device=values.device, dtype=torch.float32)
    _KERNELS.largest[(groups, rows)](
        values, result, tokens, *values.stride()[:2],
        HEADS=heads, SIZE=size, BLOCK=triton.next_power_of_2(heads), TOKENS=_AT_ONCE, num_warps=8,
    )  # fmt: skip
    return result.amax(dim=1).clamp(min=LEAST) / MOST


def shrunk(values: Tensor, steps: Tensor, into: Tensor, first: int) -> None:
    """`values` (rows, tokens, heads, size) in 8 bits, in `steps` (rows, heads), to tokens of `into`."""
    rows, tokens, heads, size = values.shape
    assert values.stride()[2:] == into.stride()[2:] == (size, 1)
    _KERNELS.shrink[(tokens, rows)](
        values, steps, into[:, first:], *values.stride()[:2], *into.stride()[:2],
        HEADS=heads, SIZE=size, BLOCK=triton.next_power_of_2(heads), num_warps=4,
    )  # fmt: skip


def gathered(attended: Tensor | None, steps: Tensor | None, wide: Tensor | None, dtype: torch.dtype) -> Rows:
    """What attention gave, and beside it the gated activation of `wide`: the input of an output projection.

    `attended`: (rows, tokens, heads, size), times `steps` (rows, heads) where it is in 8 bits. `wide`: (rows,
    tokens, 2 x inner size), gates first. Either may be missing. Both may be parts of wider tensors.
    """
    given = attended if attended is not None else wide
    assert given is not None
    rows, tokens = given.shape[:2]
    heads, size = attended.shape[2:] if attended is not None else (0, 1)
    assert attended is None or attended.stride()[2:] == (size, 1)
    inner = wide.shape[-1] // 2 if wide is not None else 0
    low = 1 << (inner.bit_length() - 1) if inner else 0  # a power of two and the rest: few idle lanes
    result = _rows((rows, tokens, heads * size + inner), dtype, given.device)
    _KERNELS.gather[(tokens, rows)](
        attended, steps, wide, result.values, result.steps,
        *(attended.stride()[:2] if attended is not None else (0, 0)),
        *(wide.stride()[:2] if wide is not None else (0, 0)),
        HEADS=heads, SIZE=size, ATTENDED=triton.next_power_of_2(heads * size) if heads else 0,
        INNER=inner, LOW=low, HIGH=triton.next_power_of_2(inner - low) if inner > low else 0,
        num_warps=8,
    )  # fmt: skip
    return result


def _add_and_norm(
    hidden: Tensor,
    gate: Tensor | None,
    update: Tensor | None,
    shift: Tensor | None,
    scale: Tensor | None,
    eps: float,
    dtype: torch.dtype,
) -> tuple[Tensor, Rows | None]:
    rows, tokens, width = hidden.shape
    hidden, update = hidden.contiguous(), update.contiguous() if update is not None else None
    summed = torch.empty_like(hidden) if update is not None else hidden
    result = _rows(hidden.shape, dtype, hidden.device) if shift is not None else None
    _KERNELS.add_norm[(tokens * rows,)](
        hidden, gate, update, shift, scale, summed,
        result.values if result else None, result.steps if result else None,
        WIDTH=width, BLOCK=triton.next_power_of_2(width), EPS=eps, num_warps=4,
    )  # fmt: skip
    return summed, result


def _rows(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device) -> Rows:
    values = torch.empty(shape, device=device, dtype=dtype)
    steps = torch.empty(shape[:2], device=device, dtype=torch.float32) if dtype == EIGHT else None
    return Rows(values, steps)
