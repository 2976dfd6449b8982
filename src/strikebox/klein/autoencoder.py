"""Pictures to latents and back: FLUX.2's autoencoder, 2 x 2 patches, batch-norm statistics."""

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_kl_flux2 import AutoencoderKLFlux2
from torch import Tensor

from strikebox.generation.backend import Pixels


@final
class Autoencoder:
    """Encodes and decodes batches. Latents are (n, 4 x latent channels, height / 16, width / 16), float32.

    They are normalised: each channel has mean 0 and variance 1 over the pictures the model was trained on.
    """

    def __init__(self, vae: AutoencoderKLFlux2) -> None:
        statistics = vae.bn
        assert statistics.running_mean is not None and statistics.running_var is not None
        self._vae = vae
        self._mean = statistics.running_mean.float().view(1, -1, 1, 1)
        variance = statistics.running_var.float().view(1, -1, 1, 1)
        self._deviation = torch.sqrt(variance + vae.config["batch_norm_eps"])

    @property
    def channels(self) -> int:
        """Channels of the packed latents."""
        return self._mean.shape[1]

    @property
    def pixels_per_token(self) -> int:
        """Side of the square of pixels that one latent position stands for."""
        return 2 * 2 ** (len(self._vae.config["block_out_channels"]) - 1)

    def decode(self, latents: Tensor) -> list[Pixels]:
        """Pictures of clean `latents`."""
        raw = unpatchify(latents * self._deviation + self._mean).to(self._vae.dtype)
        pictures = self._vae.decode(raw, return_dict=False)[0].float()  # pyright: ignore[reportArgumentType]
        scaled = ((pictures / 2 + 0.5).clamp(0, 1) * 255).round().to(torch.uint8)
        return list(scaled.permute(0, 2, 3, 1).cpu().numpy())

    def encode(self, pictures: Sequence[Pixels]) -> Tensor:
        """Clean latents of `pictures` of one size: the posterior's mode, as the stock pipeline takes it."""
        pixels = torch.from_numpy(np.stack(pictures)).to(self._mean.device).permute(0, 3, 1, 2)
        inputs = (pixels.float() / 255 * 2 - 1).to(self._vae.dtype)
        raw = self._vae.encode(inputs).latent_dist.mode().float()  # pyright: ignore[reportAttributeAccessIssue]
        return (patchify(raw) - self._mean) / self._deviation


def patchify(latents: Tensor) -> Tensor:
    """(n, c, 2h, 2w) -> (n, 4c, h, w)."""
    n, c, height, width = latents.shape
    patches = latents.reshape(n, c, height // 2, 2, width // 2, 2).permute(0, 1, 3, 5, 2, 4)
    return patches.reshape(n, 4 * c, height // 2, width // 2)


def unpatchify(latents: Tensor) -> Tensor:
    """The inverse of `patchify`."""
    n, c, height, width = latents.shape
    patches = latents.reshape(n, c // 4, 2, 2, height, width).permute(0, 1, 4, 2, 5, 3)
    return patches.reshape(n, c // 4, 2 * height, 2 * width)
