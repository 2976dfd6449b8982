"""Seconds, memory and the ceiling of a device."""

import gc
from collections.abc import Callable
from statistics import median
from time import perf_counter

import torch

_GIB = 2**30


def wait(device: torch.device) -> None:
    """Until all that was asked of `device` is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds(run: Callable[[], object], device: torch.device) -> float:
    """What `run` takes, once."""
    wait(device)
    started = perf_counter()
    run()
    wait(device)
    return perf_counter() - started


def peak_gib(device: torch.device) -> float | None:
    """The most memory of a graphics card that was in use since `forget`; None elsewhere."""
    return torch.cuda.max_memory_allocated(device) / _GIB if device.type == "cuda" else None


def forget(device: torch.device) -> None:
    """Give unused memory back, and count the peak anew."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)


def ceiling_tflops(device: torch.device, dtype: torch.dtype) -> float:
    """TFLOP/s of large matrix products in `dtype` on random values: zeros run faster than any model does."""
    side = 8192 if device.type == "cuda" else 1024
    one, other = (torch.randn(side, side, device=device, dtype=dtype) for _ in range(2))
    for _ in range(3):
        torch.mm(one, other)
    rounds = 10
    taken = [
        seconds(lambda: [torch.mm(one, other) for _ in range(rounds)], device) / rounds for _ in range(5)
    ]
    return 2 * side**3 / median(taken) / 1e12
