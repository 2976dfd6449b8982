"""The contract between passes and whatever turns them into pictures.

Latents are packed and normalised, as the transformer sees them: float32, (channels, height / 16, width / 16)
for a model whose tokens cover 16 x 16 pixels. Noise is mixed into *these* latents, never into unpacked ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Latents = NDArray[np.float32]
Pixels = NDArray[np.uint8]  # (height, width, 3), sRGB


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """Height and width of a picture in pixels."""

    height: int
    width: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """What a forward costs depends on these alone. All counts, no units."""

    double_blocks: int
    single_blocks: int
    dim: int  # heads x head_dim
    mlp_ratio: float
    in_channels: int
    text_dim: int  # joint_attention_dim
    text_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """Which weights a backend holds, and what they can make."""

    name: str
    hash: str  # of the weights
    lora_name: str | None
    lora_hash: str | None
    size: Size  # the size that it makes unless told otherwise
    pixels_per_token: int  # 16 for FLUX.2: sides must be multiples of it
    distilled: bool  # True: guidance is ignored, one forward a step
    architecture: Architecture

    def tokens(self, size: Size) -> int:
        """Image tokens of a picture of `size`."""
        return (size.height // self.pixels_per_token) * (size.width // self.pixels_per_token)


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraState:
    """The LoRA as it stands in the weights during some steps."""

    scale: float
    blocks: tuple[tuple[str, float], ...] = ()
    rank: int | None = None  # of each layer at most, by SVD; None: as it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoise:
    """Steps for one picture: from `sigmas[0]` to `sigmas[-1]`, one Euler step between neighbours."""

    latents: Latents
    sigmas: tuple[float, ...]
    prompt: str
    guidance: float
    lora: LoraState | None
    reference: Latents | None  # clean latents of the picture to edit


class Backend(Protocol):
    """Turns passes into pictures. Every result depends on its own request alone, not on its batch."""

    @property
    def model(self) -> Model: ...

    def noise(self, seed: int, size: Size) -> Latents:
        """Standard normal latents for a picture of `size`; the same on every device."""
        ...

    def denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        """Run requests that agree in sigmas, LoRA state, shape, and in having a reference or not."""
        ...

    def decode(self, latents: Sequence[Latents]) -> list[Pixels]:
        """Pictures of clean latents of one shape."""
        ...

    def encode(self, pictures: Sequence[Pixels]) -> list[Latents]:
        """Clean latents of pictures of one size."""
        ...
