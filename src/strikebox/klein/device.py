"""Which device computes, and in which precision."""

import torch

from strikebox.errors import DeviceError

_DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def pick_device(name: str = "auto") -> torch.device:
    """The device called `name`: auto, cpu, cuda, cuda:1, mps. Auto prefers cuda, then mps.

    Raises DeviceError where this machine has no such device.
    """
    if name == "auto":
        return torch.device(next(kind for kind in ("cuda", "mps", "cpu") if _count(kind)))
    kind, _, index = name.partition(":")
    if kind not in ("cuda", "mps", "cpu") or not (index == "" or index.isdecimal()):
        raise DeviceError(f"device {name!r} is unknown; choose auto, cpu, mps, cuda or cuda:N")
    if int(index or 0) >= _count(kind):
        there = ", ".join(f"{kind} ({_count(kind)})" for kind in ("cuda", "mps", "cpu") if _count(kind))
        raise DeviceError(f"device {name} is not there; this machine has {there}; --device auto picks one")
    return torch.device(name)


def pick_dtype(name: str, device: torch.device) -> torch.dtype:
    """The precision called `name`: auto, float32 or bfloat16. Auto is bfloat16 where it is fast.

    Raises DeviceError on another name.
    """
    if name == "auto":
        return torch.bfloat16 if device.type != "cpu" or _processor_has_bfloat16() else torch.float32
    if name not in _DTYPES:
        raise DeviceError(f"precision {name!r} is unknown; choose auto, float32 or bfloat16")
    return _DTYPES[name]


def _processor_has_bfloat16() -> bool:
    # Without these instructions bfloat16 is emulated, and slower than float32.
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _count(kind: str) -> int:
    if kind == "cuda":
        return torch.cuda.device_count() if torch.cuda.is_available() else 0
    return int(kind == "cpu" or torch.backends.mps.is_available())
