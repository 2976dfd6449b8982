"""What is known of a device by the error that it leaves."""

import pytest
import torch

from strikebox.errors import DeviceError, StoreError
from strikebox.worker.faults import fault_of, most_together, short_of_memory


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB"),
        DeviceError("the device has no room for one picture"),
        RuntimeError("CUDA error: out of memory"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    ],
    ids=lambda error: f"{type(error).__name__} {error}"[:40],
)
def test_too_little_memory(error: Exception) -> None:
    assert fault_of(error) == "memory"


@pytest.mark.parametrize(
    "said",
    [
        "CUDA error: an illegal memory access was encountered",
        "CUDA error: device-side assert triggered",
        "cuDNN error: CUDNN_STATUS_EXECUTION_FAILED",
        "NCCL error in: ProcessGroupNCCL.cpp",
    ],
)
def test_a_device_that_failed(said: str) -> None:
    assert fault_of(RuntimeError(said)) == fault_of(torch.AcceleratorError(said)) == "device"


@pytest.mark.parametrize(
    "error", [ZeroDivisionError(), StoreError("the disk is full"), RuntimeError("shape")]
)
def test_anything_else(error: Exception) -> None:
    assert fault_of(error) is None


@pytest.mark.parametrize(("together", "then"), [(8, 4), (5, 2), (2, 1), (1, 1)])
def test_half_as_many_are_tried_where_memory_was_short(together: int, then: int) -> None:
    assert most_together(short_of_memory(together)) == then


@pytest.mark.parametrize("error", [None, "went-wrong", "went-wrong: the device failed"])
def test_alone_where_nobody_knows_why(error: str | None) -> None:
    assert most_together(error) == 1
