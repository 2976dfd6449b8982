"""What an error says about the device. By names: no tensor library is needed to tell."""

import re
from typing import Literal

from strikebox.errors import DeviceError
from strikebox.site import failures

Fault = Literal["memory", "device"]

_MEMORY = frozenset({"MemoryError", "OutOfMemoryError"})  # Python's, torch's
_DEVICE = frozenset({"AcceleratorError"})  # torch's
_SAYS_MEMORY = re.compile(r"out of memory|CUBLAS_STATUS_ALLOC_FAILED", re.IGNORECASE)
_SAYS_DEVICE = re.compile(
    r"(CUDA|HIP|CUDNN|CUBLAS|NCCL|MPS)[_ ](error|status)|device-side assert", re.IGNORECASE
)
_SHORT = re.compile(r"no memory for (\d+) together")


def fault_of(error: BaseException) -> Fault | None:
    """What is at fault: too little memory, or the device, of which nothing good comes any more.

    None: neither, as far as one can tell.
    """
    names = {one.__name__ for one in type(error).__mro__}
    said = str(error)
    if isinstance(error, DeviceError) or names & _MEMORY or _SAYS_MEMORY.search(said):
        return "memory"
    return "device" if names & _DEVICE or _SAYS_DEVICE.search(said) else None


def short_of_memory(together: int) -> str:
    """What the row of a job keeps that had no room with so many others, itself counted."""
    return failures.line("went-wrong", f"no memory for {together} together")


def most_together(error: str | None) -> int:
    """How many may be tried together of jobs that were tried before, and whose rows say `error`."""
    found = _SHORT.search(error or "")
    return 1 if found is None else max(1, int(found[1]) // 2)
