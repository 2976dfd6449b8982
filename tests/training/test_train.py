"""LoRA training: what comes out is the adapter that was trained, and it learned what it was given."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from PIL import Image
from tiny_klein import write_model

from strikebox.errors import StoreError
from strikebox.generation.backend import LoraState
from strikebox.klein import weights
from strikebox.klein.adapter import Adapter
from strikebox.klein.autoencoder import Autoencoder
from strikebox.klein.sampler import pack, positions
from strikebox.klein.text import PromptEncoder
from strikebox.lora import header
from strikebox.training import data, train
from strikebox.training.data import Captioned, Encoded
from strikebox.training.train import Settings

FEW = Settings(rank=4, alpha=8, steps=120, batch=8, rate=3e-3, mixed_precision=False)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def transformer(tiny: Path) -> Flux2Transformer2DModel:
    return load(tiny).transformer


@pytest.fixture(scope="module")
def encoded(tiny: Path) -> Encoded:
    """Two pictures as the tiny model sees them."""
    model = load(tiny)
    text = PromptEncoder(
        model.text_encoder,
        model.tokenizer,
        tokens=model.profile.text_tokens,
        layers=model.profile.text_layers,
    )
    side = model.profile.size
    pictures = [np.full((side, side, 3), value, np.uint8) for value in (40, 200)]
    return data.encode(
        Captioned(pictures=pictures, captions=["cat", "dog"]), Autoencoder(model.vae), text, batch=1
    )


def load(directory: Path) -> weights.Weights:
    return weights.load(directory, device=torch.device("cpu"), dtype=torch.float32)


def losses(
    transformer: Flux2Transformer2DModel, encoded: Encoded, settings: Settings, seed: int
) -> list[float]:
    found: list[float] = []
    generator = torch.Generator().manual_seed(seed)
    train.train(transformer, encoded, settings, generator, lambda _, loss: found.append(loss.item()))
    return found


def test_the_loss_falls(transformer: Flux2Transformer2DModel, encoded: Encoded) -> None:
    found = losses(transformer, encoded, FEW, seed=0)
    assert len(found) == FEW.steps
    assert np.mean(found[-20:]) < 0.8 * np.mean(found[:20])


def test_only_the_adapter_is_trained(tiny: Path, encoded: Encoded) -> None:
    transformer = load(tiny).transformer
    before = {name: value.clone() for name, value in transformer.state_dict().items()}
    losses(transformer, encoded, Settings(rank=2, alpha=4, steps=3, batch=2, mixed_precision=False), seed=0)
    for name, value in transformer.state_dict().items():
        base = name.replace(".base_layer", "")
        if "lora_" not in name:
            assert torch.equal(value, before[base]), name


def test_the_same_seed_trains_the_same(tiny: Path, encoded: Encoded) -> None:
    short = Settings(rank=2, alpha=4, steps=5, batch=2, mixed_precision=False)
    first, second, other = (losses(load(tiny).transformer, encoded, short, seed) for seed in (1, 1, 2))
    assert first == second != other


def test_what_is_saved_is_what_was_trained(tiny: Path, encoded: Encoded, tmp_path: Path) -> None:
    trained = load(tiny).transformer
    losses(trained, encoded, Settings(rank=4, alpha=8, steps=20, batch=4, mixed_precision=False), seed=0)
    train.save(trained, tmp_path, "matchbox style")
    read = header.read(tmp_path / train.FILE)
    assert (read.ranks, read.effective_scale, read.trigger_words) == ((4,), (2, 2), ("matchbox style",))
    base = load(tiny).transformer
    call = an_input(encoded)
    with torch.no_grad():
        untouched, wanted = base(**call)[0], trained(**call)[0]
        Adapter(base, tmp_path / train.FILE).set(LoraState(scale=1.0))
        made = base(**call)[0]
    moved = (wanted - untouched).norm()
    assert moved > 0
    assert (made - wanted).norm() < 0.02 * moved  # the file is bfloat16


def an_input(encoded: Encoded) -> dict[str, Any]:
    _, _, height, width = encoded.latents.shape
    device = torch.device("cpu")
    return {
        "hidden_states": pack(encoded.latents),
        "timestep": torch.tensor([0.7, 0.3]),
        "encoder_hidden_states": encoded.text.float(),
        "txt_ids": positions(0, 1, 1, encoded.text.shape[1], device),
        "img_ids": positions(0, height, width, 1, device),
        "guidance": None,
        "return_dict": False,
    }


def folder_of(path: Path, rows: Sequence[object]) -> Path:
    Image.new("RGB", (16, 16)).save(path / "a.png")
    (path / data.METADATA).write_text("\n".join(json.dumps(row) for row in rows), "utf-8")
    return path


def test_reads_pictures_with_captions(tmp_path: Path) -> None:
    read = data.read(folder_of(tmp_path, [{"file_name": "a.png", "text": "кот", "subject": "cat"}]))
    assert read.captions == ["кот"]
    assert read.pictures[0].shape == (16, 16, 3)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        ([], "names no picture"),
        ([{"file_name": "a.png"}], "line 1 needs file_name and text"),
        ([{"file_name": "a.png", "text": "cat"}, [1]], "line 2 needs"),
        ([{"file_name": "b.png", "text": "cat"}], "cannot read the picture"),
    ],
)
def test_a_malformed_folder_is_refused(tmp_path: Path, rows: Sequence[object], reason: str) -> None:
    with pytest.raises(StoreError, match=reason):
        data.read(folder_of(tmp_path, rows))


def test_a_folder_without_a_list_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot read"):
        data.read(tmp_path)
