"""Work in chunks that fit the device."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from strikebox.errors import DeviceError

T = TypeVar("T")
R = TypeVar("R")


def in_chunks(
    work: Callable[[Sequence[T]], Sequence[R]],
    items: Sequence[T],
    size: int,
    on_fewer: Callable[[int], None] = lambda _: None,
) -> list[R]:
    """Results of `work` over `items`, `size` at a time, or fewer where the device's memory is too small.

    `on_fewer` is told the new size whenever it was halved.
    Raises DeviceError where not even one item fits.
    """
    results: list[R] = []
    while len(results) < len(items):
        chunk = items[len(results) : len(results) + size]
        done = _unless_out_of_memory(work, chunk)
        if done is not None:
            results.extend(done)
        elif len(chunk) > 1:
            size = len(chunk) // 2
            on_fewer(size)
        else:
            raise DeviceError("the device has no room for one picture; make it smaller, or use bfloat16")
    return results


def _unless_out_of_memory(
    work: Callable[[Sequence[T]], Sequence[R]], chunk: Sequence[T]
) -> Sequence[R] | None:
    # The error holds the frames, and they hold the tensors: memory is free only after it is dropped.
    try:
        return work(chunk)
    except torch.OutOfMemoryError:
        pass
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return None
