from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_networks import SIDE, clip, siglip
from transformers import (
    BertConfig,
    BertModel,
    BitImageProcessorPil,
    ConvNextConfig,
    ConvNextImageProcessorPil,
    ConvNextModel,
    Dinov2Config,
    Dinov2Model,
    PreTrainedModel,
    ViTConfig,
    ViTForImageClassification,
    ViTImageProcessorPil,
    ViTModel,
)

from strikebox.errors import ExtractorError
from strikebox.extractors.vision import Vision
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Extractor

SIZE = {"height": SIDE, "width": SIDE}
TINY: dict[str, Any] = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32,
    "image_size": SIDE, "patch_size": 8,
}  # fmt: skip


def picture(seed: int, height: int = SIDE, width: int = SIDE) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def vit(folder: Path, kind: type[PreTrainedModel]) -> Path:
    torch.manual_seed(0)
    kind(ViTConfig(**TINY)).save_pretrained(folder)
    ViTImageProcessorPil(size=SIZE).save_pretrained(folder)
    return folder


def dinov2(folder: Path) -> Path:
    torch.manual_seed(0)
    Dinov2Model(Dinov2Config(**TINY)).save_pretrained(folder)
    BitImageProcessorPil(size={"shortest_edge": SIDE}, crop_size=SIZE).save_pretrained(folder)
    return folder


def convnext(folder: Path) -> Path:
    torch.manual_seed(0)
    config = ConvNextConfig(hidden_sizes=[8, 16], depths=[1, 1], num_stages=2, image_size=SIDE)
    ConvNextModel(config).save_pretrained(folder)
    ConvNextImageProcessorPil(size={"shortest_edge": SIDE}).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("make", [dinov2, convnext, clip, siglip], ids=lambda make: make.__name__)
def test_any_network_that_looks_gives_unit_vectors(make: Callable[[Path], Path], tmp_path: Path) -> None:
    look: Extractor = Vision(make(tmp_path))
    features = np.stack(look([picture(0), picture(1, 70, 50)]))
    assert features.shape == (2, 16)
    assert features.dtype == np.float32
    assert np.linalg.norm(features, axis=1) == pytest.approx([1, 1], abs=1e-5)
    assert not np.allclose(features[0], features[1])


def test_features_are_the_networks_pooled_output(tmp_path: Path) -> None:
    """ViT's preparation is x / 127.5 - 1."""
    some = picture(3)
    network = ViTModel.from_pretrained(vit(tmp_path, ViTModel)).eval()
    with torch.no_grad():
        values = torch.from_numpy(some.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
        pooled = network(pixel_values=values).pooler_output[0].numpy()
    assert Vision(tmp_path)([some])[0] == pytest.approx(pooled / np.linalg.norm(pooled), abs=1e-5)


def test_a_pooler_that_was_never_trained_is_not_used(tmp_path: Path) -> None:
    """A classifier's checkpoint has none, and transformers would make one at random: another every time."""
    folder, some = vit(tmp_path, ViTForImageClassification), picture(4)
    torch.manual_seed(1)
    first = Vision(folder)([some])[0]
    torch.manual_seed(2)
    assert Vision(folder)([some])[0] == pytest.approx(first, abs=1e-6)


def test_pictures_do_not_depend_on_their_company(tmp_path: Path) -> None:
    look, pictures = Vision(dinov2(tmp_path)), [picture(seed, 30 + seed) for seed in range(35)]
    assert look(pictures)[34] == pytest.approx(look([pictures[34]])[0], abs=1e-5)


def test_incomplete_weights_are_refused(tmp_path: Path) -> None:
    folder = dinov2(tmp_path)
    config = (folder / "config.json").read_text()
    (folder / "config.json").write_text(config.replace('"num_hidden_layers": 1', '"num_hidden_layers": 2'))
    with pytest.raises(ExtractorError, match="is incomplete: no weights for"):
        Vision(folder)


def test_a_network_that_does_not_look_at_pictures_is_refused(tmp_path: Path) -> None:
    BertModel(BertConfig(hidden_size=16, num_hidden_layers=1, num_attention_heads=2)).save_pretrained(
        tmp_path
    )
    with pytest.raises(ExtractorError, match="cannot be loaded"):
        Vision(tmp_path)


def test_code_that_a_model_brings_is_not_run(tmp_path: Path) -> None:
    folder, harm = dinov2(tmp_path / "model"), tmp_path / "harm"
    (folder / "mine.py").write_text(f"open({str(harm)!r}, 'w')\n")
    (folder / "config.json").write_text(
        '{"model_type": "mine", "auto_map": {"AutoConfig": "mine.C", "AutoModel": "mine.M"}}'
    )
    with pytest.raises(ExtractorError):
        Vision(folder)
    assert not harm.exists()
