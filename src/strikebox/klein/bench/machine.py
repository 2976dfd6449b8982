"""Where the figures of a benchmark come from."""

import platform
from datetime import date
from importlib.metadata import PackageNotFoundError, version

import torch

from strikebox.klein.speed.machine import processor

_PACKAGES = (
    "torch",
    "diffusers",
    "transformers",
    "torchao",
    "nvidia-cudnn-frontend",
    "triton",
    "strikebox",
)


def describe(device: torch.device, dtype: torch.dtype) -> dict[str, object]:
    """The device, versions and the date, for people."""
    cuda = device.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(device) if cuda else processor(),
        "precision": str(dtype).removeprefix("torch."),
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
        "packages": {name: _version(name) for name in _PACKAGES if _version(name)},
        "cuda": torch.version.cuda if cuda else None,
        "date": date.today().isoformat(),
    }


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
