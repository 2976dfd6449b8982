"""The kernels themselves, in Triton's own language: one program a token, or a few."""
# pyright: reportAttributeAccessIssue=false

import triton
import triton.language as tl

from strikebox.klein.speed.products import LEAST, MOST

_MOST, _LEAST = tl.constexpr(MOST), tl.constexpr(LEAST)


@triton.jit
def add_norm(
    hidden, gate, update, shift, scale, summed, result, steps,
    WIDTH: tl.constexpr, BLOCK: tl.constexpr, EPS: tl.constexpr,
):  # fmt: skip
    row = tl.program_id(0).to(tl.int64)
    column = tl.arange(0, BLOCK)
    inside = column < WIDTH
    x = tl.load(hidden + row * WIDTH + column, mask=inside, other=0.0).to(tl.float32)
    if update is not None:
        y = tl.load(update + row * WIDTH + column, mask=inside, other=0.0).to(tl.float32)
        x += tl.load(gate + column, mask=inside, other=0.0).to(tl.float32) * y
        rounded = x.to(summed.dtype.element_ty)
        tl.store(summed + row * WIDTH + column, rounded, mask=inside)
        x = rounded.to(tl.float32)
    if result is not None:
        x = tl.where(inside, x - tl.sum(x) / WIDTH, 0.0)
        x *= tl.rsqrt(tl.sum(x * x) / WIDTH + EPS)
        x *= 1.0 + tl.load(scale + column, mask=inside, other=0.0).to(tl.float32)
        x += tl.load(shift + column, mask=inside, other=0.0).to(tl.float32)
        if steps is not None:
            step = tl.maximum(tl.max(tl.abs(x)), _LEAST) / _MOST
            tl.store(steps + row, step)
            x /= step
        tl.store(result + row * WIDTH + column, x.to(result.dtype.element_ty), mask=inside)


@triton.jit
def turn(
    values, weight, cosines, sines, into, row_stride, token_stride, into_row, into_token, table_stride,
    HEADS: tl.constexpr, SIZE: tl.constexpr, BLOCK: tl.constexpr, EPS: tl.constexpr,
):  # fmt: skip
    token, row = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    head, place = tl.arange(0, BLOCK)[:, None], tl.arange(0, SIZE)[None, :]
    inside = head < HEADS
    source = values + row * row_stride + token * token_stride + head * SIZE + place
    x = tl.load(source, mask=inside, other=0.0).to(tl.float32)
    x *= tl.rsqrt(tl.sum(x * x, axis=1) / SIZE + EPS)[:, None] * tl.load(weight + place).to(tl.float32)
    # Pairs of neighbours are turned: (a, b) to (a cos - b sin, b cos + a sin). Both have the same angle.
    a, b = tl.split(tl.reshape(x, (BLOCK, SIZE // 2, 2)))
    cosine, _ = tl.split(tl.reshape(tl.load(cosines + token * table_stride + place), (1, SIZE // 2, 2)))
    sine, _ = tl.split(tl.reshape(tl.load(sines + token * table_stride + place), (1, SIZE // 2, 2)))
    x = tl.reshape(tl.join(a * cosine - b * sine, b * cosine + a * sine), (BLOCK, SIZE))
    x = tl.minimum(tl.maximum(x, -_MOST), _MOST) if into.dtype.element_ty == tl.float8e4nv else x
    target = into + row * into_row + token * into_token + head * SIZE + place
    tl.store(target, x.to(into.dtype.element_ty), mask=inside)


@triton.jit
def largest(
    values, result, tokens, row_stride, token_stride,
    HEADS: tl.constexpr, SIZE: tl.constexpr, BLOCK: tl.constexpr, TOKENS: tl.constexpr,
):  # fmt: skip
    group, row = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    head, place = tl.arange(0, BLOCK)[:, None], tl.arange(0, SIZE)[None, :]
    source = values + row * row_stride + head * SIZE + place
    most = tl.zeros((BLOCK, SIZE), tl.float32)
    for number in range(TOKENS):
        token = tl.minimum(group * TOKENS + number, tokens - 1)
        x = tl.load(source + token * token_stride, mask=head < HEADS, other=0.0)
        most = tl.maximum(most, tl.abs(x.to(tl.float32)))
    target = result + (row * tl.num_programs(0) + group) * HEADS + tl.arange(0, BLOCK)
    tl.store(target, tl.max(most, axis=1), mask=tl.arange(0, BLOCK) < HEADS)


@triton.jit
def shrink(
    values, steps, into, row_stride, token_stride, into_row, into_token,
    HEADS: tl.constexpr, SIZE: tl.constexpr, BLOCK: tl.constexpr,
):  # fmt: skip
    token, row = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    head, place = tl.arange(0, BLOCK)[:, None], tl.arange(0, SIZE)[None, :]
    inside = head < HEADS
    source = values + row * row_stride + token * token_stride + head * SIZE + place
    x = tl.load(source, mask=inside, other=0.0).to(tl.float32)
    x /= tl.load(steps + row * HEADS + head, mask=inside, other=1.0)
    target = into + row * into_row + token * into_token + head * SIZE + place
    tl.store(target, x.to(into.dtype.element_ty), mask=inside)


@triton.jit
def gather(
    attended, head_steps, wide, result, steps, row_stride, token_stride, wide_row, wide_token,
    HEADS: tl.constexpr, SIZE: tl.constexpr, ATTENDED: tl.constexpr,
    INNER: tl.constexpr, LOW: tl.constexpr, HIGH: tl.constexpr,
):  # fmt: skip
    token, row = tl.program_id(0).to(tl.int64), tl.program_id(1).to(tl.int64)
    number = row * tl.num_programs(0) + token
    WIDTH: tl.constexpr = HEADS * SIZE
    target = result + number * (WIDTH + INNER)
    most = 0.0
    if ATTENDED > 0:
        column = tl.arange(0, ATTENDED)
        source = attended + row * row_stride + token * token_stride
        first = tl.load(source + column, mask=column < WIDTH, other=0.0).to(tl.float32)
        if head_steps is not None:
            first *= tl.load(head_steps + row * HEADS + column // SIZE, mask=column < WIDTH, other=0.0)
        most = tl.maximum(most, tl.max(tl.abs(first)))
    if LOW > 0:
        gates = wide + row * wide_row + token * wide_token
        low = _activated(gates, tl.arange(0, LOW), INNER)
        most = tl.maximum(most, tl.max(tl.abs(low)))
    if HIGH > 0:
        high = _activated(gates, LOW + tl.arange(0, HIGH), INNER)
        most = tl.maximum(most, tl.max(tl.abs(high)))
    step = 1.0
    if steps is not None:
        step = tl.maximum(most, _LEAST) / _MOST
        tl.store(steps + number, step)
    if ATTENDED > 0:
        column = tl.arange(0, ATTENDED)
        tl.store(target + column, (first / step).to(result.dtype.element_ty), mask=column < WIDTH)
    if LOW > 0:
        column = tl.arange(0, LOW)
        tl.store(target + WIDTH + column, (low / step).to(result.dtype.element_ty))
    if HIGH > 0:
        column = LOW + tl.arange(0, HIGH)
        tl.store(target + WIDTH + column, (high / step).to(result.dtype.element_ty), mask=column < INNER)


@triton.jit
def _activated(gates, column, INNER: tl.constexpr):
    inside = column < INNER
    gate = tl.load(gates + column, mask=inside, other=0.0).to(tl.float32)
    value = tl.load(gates + INNER + column, mask=inside, other=0.0).to(tl.float32)
    return gate * tl.sigmoid(gate) * value
