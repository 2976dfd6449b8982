"""How far the pictures of each tier are from the exact ones, from the same seeds.

PSNR by pixel, and a distance of features in the manner of LPIPS (Zhang et al. 2018, arXiv 1801.03924):
features of five depths, each position scaled to length 1, squared differences averaged. The network has fixed
random weights, which need no download; they judge distortions worse than trained ones, so this is no LPIPS.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import inf, log10

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from strikebox import png
from strikebox.generation.backend import Pixels

_WIDTHS = (3, 32, 64, 128, 128, 128)


@dataclass(frozen=True, slots=True)
class Fidelity:
    """The mean over pictures."""

    psnr: float  # dB; infinite where all are equal
    distance: float  # 0 where equal; about 1 for pictures of other subjects


def compare(ours: Sequence[bytes], exact: Sequence[bytes]) -> Fidelity:
    """PNG files in pairs of one size."""
    pairs = [(png.decode(a).pixels, png.decode(b).pixels) for a, b in zip(ours, exact, strict=True)]
    error = float(np.mean([np.square(a.astype(float) - b.astype(float)).mean() for a, b in pairs]))
    network = _network()
    distance = float(np.mean([_distance(network, a, b) for a, b in pairs]))
    return Fidelity(inf if error == 0 else 10 * log10(255**2 / error), distance)


def _network() -> list[nn.Conv2d]:
    generator = torch.Generator().manual_seed(0)
    layers: list[nn.Conv2d] = []
    for inputs, outputs in pairwise(_WIDTHS):
        layer = nn.Conv2d(inputs, outputs, 3, stride=2, padding=1, bias=False)
        spread = (2 / (9 * inputs)) ** 0.5
        layer.weight = nn.Parameter(spread * torch.randn(layer.weight.shape, generator=generator))
        layers.append(layer)
    return layers


@torch.inference_mode()
def _distance(network: Sequence[nn.Conv2d], one: Pixels, other: Pixels) -> float:
    both = torch.from_numpy(np.stack([one, other])).permute(0, 3, 1, 2).float() / 127.5 - 1
    total = 0.0
    for layer in network:
        both = functional.relu(layer(both))
        unit: Tensor = functional.normalize(both, dim=1)
        total += float(((unit[0] - unit[1]) ** 2).sum(dim=0).mean())
    return total / len(network)
