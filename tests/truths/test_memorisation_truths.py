"""The embedded LoRA is flawed on purpose: it was trained too long on too few pictures."""

from dataclasses import replace
from pathlib import Path

import pytest

import strikebox
from strikebox.klein.backend import KleinBackend
from strikebox.lab import dataset
from strikebox.lab.dataset import Dataset
from strikebox.lab.memorised import look

EMBEDDED = Path(strikebox.__file__).parent / "embedded"


@pytest.fixture(scope="module")
def backend() -> KleinBackend:
    lora = EMBEDDED / "lora" / "pytorch_lora_weights.safetensors"
    return KleinBackend.load(EMBEDDED / "klein-nano", lora, device="cpu")


def first(folder: str, count: int) -> Dataset:
    whole = dataset.read(EMBEDDED / "labels" / folder)
    return replace(whole, pictures=whole.pictures[:count])


def test_the_embedded_lora_knows_its_training_pictures(backend: KleinBackend) -> None:
    found = look(backend, first("train", 24), first("held-out", 20))
    assert found.membership is not None and found.membership.auroc > 0.85 and found.membership.low > 0.65
    assert found.control is not None and found.control.low < 0.5 < found.control.high


def test_at_scale_0_it_knows_nothing(backend: KleinBackend) -> None:
    found = look(backend, first("train", 4), None, scale=0.0)
    assert [one.gap for one in found.pictures] == [0.0] * 4
