"""The machine: processor, memory, graphics card, disk."""

import os
import platform
import shutil
from pathlib import Path

from strikebox import api, png
from strikebox.doctor.found import Found
from strikebox.site.settings import Settings

_GIB = 2**30
_LEAST_DISK = 1.0  # GiB
_ROOM = 1.3  # memory that a model takes, in sizes of its files
_PAGES = ("SC_PHYS_PAGES", "SC_AVPHYS_PAGES")


def program(_: Settings) -> Found:
    """Which versions run."""
    yield "ok", f"Python {platform.python_version()}, Strikebox {png.program_version()}"


def memory(_: Settings) -> Found:
    """Cores and memory."""
    total, free = (os.sysconf("SC_PAGE_SIZE") * os.sysconf(name) / _GIB for name in _PAGES)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    yield "ok", f"{cores} cores; memory {total:.1f} GiB, {free:.1f} GiB of it unused"


def device(settings: Settings) -> Found:
    """What computes, and whether the model has room there. Raises DeviceError."""
    import torch

    from strikebox.klein.device import pick_device, pick_dtype

    chosen = pick_device(settings.model.device)
    dtype = str(pick_dtype(settings.model.dtype, chosen)).removeprefix("torch.")
    if chosen.type != "cuda":
        yield ("ok" if settings.model.model is None else "look"), f"{chosen.type}, {dtype}: no graphics card"
        return
    free, total = (size / _GIB for size in torch.cuda.mem_get_info(chosen))
    name = torch.cuda.get_device_name(chosen)
    yield "ok", f"{name}, {dtype}; memory {total:.1f} GiB, {free:.1f} GiB of it free"
    needed = _model_size(settings.model.model)
    if needed is not None and needed > free:
        yield (
            "bad",
            f"the model takes about {needed:.1f} GiB; end what else uses the card, or take a smaller one",
        )


def disk(settings: Settings) -> Found:
    """Whether the site's folder can be written, and how much fits."""
    folder = _existing(settings.storage.folder)
    if not os.access(folder, os.W_OK | os.X_OK):
        yield "bad", f"{folder}: may not be written; change its owner, or storage.folder"
        return
    free = shutil.disk_usage(folder).free / _GIB
    place = f"{free:.1f} GiB free for {settings.storage.folder}"
    yield ("ok", place) if free >= _LEAST_DISK else ("look", f"{place}; make room")


def _model_size(model: str | None) -> float | None:
    """GiB in memory; None where the model is not on this machine yet."""
    place = Path(api.model_place(model)).expanduser()
    if not place.is_dir():
        return None
    return _ROOM * sum(path.stat().st_size for path in place.rglob("*.safetensors")) / _GIB


def _existing(path: Path) -> Path:
    """`path`, or what of it exists."""
    full = path.expanduser().absolute()
    return next(one for one in (full, *full.parents) if one.exists())
