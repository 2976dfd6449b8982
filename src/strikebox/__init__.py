"""Strikebox finds out what a style LoRA really learned.

import strikebox as sb

sb.generate("cat", recipe="sandwich", seed=1).save("cat.png")
run = sb.ablate("seed", out="runs/seed")
run.table()  # a polars frame, one row a picture
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from strikebox.api import (
        Picture,
        ablate,
        generate,
        load_backend,
        load_design,
        load_recipe,
        open_run,
        write_report,
    )
    from strikebox.errors import StrikeboxError

    __version__: str

__all__ = [
    "Picture",
    "StrikeboxError",
    "__version__",
    "ablate",
    "generate",
    "load_backend",
    "load_design",
    "load_recipe",
    "open_run",
    "write_report",
]

_HOME = dict.fromkeys(__all__, "strikebox.api") | {"StrikeboxError": "strikebox.errors"}


def __getattr__(name: str) -> object:
    """What `__all__` names, found when it is first asked for: `import strikebox` alone loads nothing."""
    if name == "__version__":
        return _version()
    if name not in _HOME:
        raise AttributeError(f"module 'strikebox' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("strikebox")
    except PackageNotFoundError:  # run from the source tree
        return "unknown"
