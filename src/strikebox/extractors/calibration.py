"""What held-out pictures of a style look like beside its training pictures, computed once and kept.

It is what a check compares a picture with. It depends on both sets, on what looks at them and on the code
that compares, so a name is made of all of these, and what has another name is not used. That of the embedded
labels comes with the package, so that the first start is quick.
"""

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strikebox import files
from strikebox.errors import StoreError
from strikebox.lab.dataset import Dataset

Arrays = Mapping[str, NDArray[Any]]

_SHIPPED = ("embedded", "labels", "calibration")


@dataclass(frozen=True, slots=True)
class Calibrations:
    """Kept in `folder`; those of the embedded labels are in the package as well."""

    folder: Path

    def get(self, name: str, compute: Callable[[], Arrays]) -> Arrays:
        """What is kept as `name`, or else computed and kept. Raises StoreError where it cannot be written."""
        for place in (self.folder, shipped()):
            with suppress(StoreError, OSError, ValueError, zipfile.BadZipFile):
                return dict(np.load(io.BytesIO(files.read(place / f"{name}.npz")), allow_pickle=False))
        arrays, buffer = compute(), io.BytesIO()
        np.savez_compressed(buffer, allow_pickle=False, **arrays)
        files.make_folder(self.folder)
        files.write(self.folder / f"{name}.npz", buffer.getvalue())
        return arrays


def shipped() -> Path:
    """The folder of those that come with the package."""
    return Path(str(package_files("strikebox"))).joinpath(*_SHIPPED)


def name_of(kind: str, version: str, sets: Sequence[Dataset], code: Sequence[ModuleType]) -> str:
    """`kind` and a hash of everything that the result depends on."""
    content = hashlib.sha256(version.encode())
    for pictures in sets:
        content.update(repr([(one.sha256, one.text) for one in pictures.pictures]).encode())
    for module in code:
        content.update(Path(str(module.__file__)).read_bytes())
    return f"{kind}-{content.hexdigest()[:24]}"
