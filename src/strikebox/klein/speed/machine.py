"""The machine that the switches are chosen for."""

import importlib.util
import json
import os
import platform
from pathlib import Path
from typing import Any

import torch

from strikebox import files
from strikebox.errors import StoreError
from strikebox.klein.speed.tiers import Facts

_COMPILE_GAINS = "compile gains"


def look(device: torch.device, dtype: torch.dtype) -> Facts:
    """Facts of `device` with weights in `dtype`."""
    cuda = device.type == "cuda"
    return Facts(
        kind=device.type,
        capability=torch.cuda.get_device_capability(device) if cuda else (0, 0),
        half=dtype != torch.float32,
        compiler=_installed("triton") if cuda else True,
        torchao=_installed("torchao"),
        cudnn_frontend=_installed("cudnn"),
        compile_gains=bool(recall(_COMPILE_GAINS, device, dtype)),
    )


def free_memory(device: torch.device) -> int | None:
    """Bytes that are free on a CUDA device; None elsewhere, where weights stay where they are."""
    return torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else None


def remember_compile_gains(gains: bool, device: torch.device, dtype: torch.dtype) -> None:
    """Note whether compiled blocks were measured to be faster here."""
    remember(_COMPILE_GAINS, device, dtype, gains)


def recall(what: str, device: torch.device, dtype: torch.dtype) -> Any:
    """What was measured on this machine with this torch; None where nothing was."""
    return _read().get(_key(what, device, dtype))


def remember(what: str, device: torch.device, dtype: torch.dtype, value: object) -> None:
    """Keep a measurement for the next start. Where the folder cannot be written it is measured again."""
    values = _read() | {_key(what, device, dtype): value}
    try:
        path = _path()
        files.make_folder(path.parent)
        files.write(path, json.dumps(values, indent=1, sort_keys=True).encode())
    except StoreError:
        return


def _key(what: str, device: torch.device, dtype: torch.dtype) -> str:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor()
    precision = str(dtype).removeprefix("torch.")
    return f"{what} | {name} | torch {torch.__version__} | {precision}"


def processor() -> str:
    """Its name, and how many threads are used of it."""
    path = Path("/proc/cpuinfo")
    lines = path.read_text("utf-8", "replace").splitlines() if path.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()} x {torch.get_num_threads()}"


def _path() -> Path:
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return home / "strikebox" / "speed.json"


def _read() -> dict[str, Any]:
    try:
        values: object = json.loads(_path().read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return values if isinstance(values, dict) else {}


def _installed(name: str) -> bool:
    return importlib.util.find_spec(name) is not None
