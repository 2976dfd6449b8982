"""Real-ESRGAN to twice the side, by torch: for workers with a graphics card.

The network is `SRVGGNetCompact` of Wang, Xie, Dong and Shan, "Real-ESRGAN: training real-world blind
super-resolution with pure synthetic data", 2021: 18 convolutions, then pixel shuffle to four times the side,
beside the enlarged picture itself, and halved. Its weights are those that ncnn reads (`upscaling.weights`).
"""

from typing import final

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from strikebox.generation.backend import Pixels
from strikebox.klein.device import pick_device
from strikebox.upscaling.tiles import in_tiles
from strikebox.upscaling.weights import Layer, read

_SHUFFLE = 4


@final
class TorchUpscaler:
    """Doubles pictures. For one thread."""

    def __init__(self, device: str = "auto") -> None:
        """`device` as `pick_device` takes it. Raises DeviceError, ModelError."""
        self._device = pick_device(device)
        self._layers = _network(read()).to(self._device)

    @torch.inference_mode()
    def __call__(self, pixels: Pixels) -> Pixels:
        """(height, width, 3) to (2 height, 2 width, 3), sRGB."""
        return in_tiles(self._double, pixels)

    def _double(self, pixels: Pixels) -> Pixels:
        small = torch.from_numpy(np.array(pixels)).to(self._device)
        large = self._run(small.permute(2, 0, 1)[None] / 255)[0].permute(1, 2, 0)
        return (large * 255).clamp(0, 255).add(0.5).to(torch.uint8).cpu().numpy()

    def _run(self, x: Tensor) -> Tensor:
        residual = functional.pixel_shuffle(self._layers(x), _SHUFFLE)
        large = residual + functional.interpolate(x, scale_factor=_SHUFFLE, mode="nearest")
        return functional.interpolate(large, scale_factor=0.5, mode="bicubic", align_corners=False)


def _network(layers: list[Layer]) -> nn.Sequential:
    made: list[nn.Module] = []
    for layer in layers:
        outputs, inputs = layer.weight.shape[:2]
        convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
        convolution.weight = nn.Parameter(torch.from_numpy(layer.weight), requires_grad=False)
        convolution.bias = nn.Parameter(torch.from_numpy(layer.bias), requires_grad=False)
        made.append(convolution)
        if layer.slope is not None:
            slope = nn.PReLU(outputs)
            slope.weight = nn.Parameter(torch.from_numpy(layer.slope), requires_grad=False)
            made.append(slope)
    return nn.Sequential(*made).eval()
