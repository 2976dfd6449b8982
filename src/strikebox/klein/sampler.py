"""The denoising loop: Euler steps along the guided velocity of a batch."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import final

import torch
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from torch import Tensor

Velocity = Callable[[Tensor, float], Tensor]

_REFERENCE_TIME = 10  # where FLUX.2 puts the picture to edit on the first RoPE axis; the new picture is at 0


def euler(velocity: Velocity, latents: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Carry `latents` from sigmas[0] to sigmas[-1] with one Euler step between neighbours.

    dx / dsigma = velocity(x, sigma), so x + (following - sigma) * velocity. Latents stay in float32.
    """
    for sigma, following in pairwise(sigmas):
        latents = latents + (following - sigma) * velocity(latents, sigma)
    return latents


@final
class GuidedVelocity:
    """Velocity of n pictures under classifier-free guidance, all of it in one forward.

    unconditional + guidance * (conditional - unconditional), where guidance is above 1; the conditional alone
    elsewhere. The transformer sees [conditional rows, unconditional rows of the guided pictures].
    """

    def __init__(
        self,
        transformer: Flux2Transformer2DModel,
        *,
        text: Tensor,
        empty: Tensor,
        guidance: Sequence[float],
        shape: tuple[int, int],
        reference: Tensor | None,
    ) -> None:
        """
        text: (n, tokens, dim), one prompt a picture; empty: (1, tokens, dim), the empty prompt's
        guidance: n values; at most 1 means none
        shape: height and width of the latents
        reference: clean latents (n, channels, height, width) of the pictures to edit
        """
        guided = [row for row, scale in enumerate(guidance) if scale > 1]
        device = text.device
        self._transformer = transformer
        self._pictures = len(text)
        self._guided = torch.tensor(guided, device=device, dtype=torch.long)
        self._guidance = torch.tensor([guidance[row] for row in guided], device=device).view(-1, 1, 1)
        self._rows = torch.cat([torch.arange(len(text), device=device), self._guided])
        self._text = torch.cat([text, empty.expand(len(guided), -1, -1)])
        self._text_ids = positions(0, 1, 1, text.shape[1], device)
        self._image_ids = positions(0, *shape, 1, device)
        self._reference = None
        if reference is not None:
            self._reference = pack(reference).to(text.dtype)[self._rows]
            height, width = reference.shape[2:]
            reference_ids = positions(_REFERENCE_TIME, height, width, 1, device)
            self._image_ids = torch.cat([self._image_ids, reference_ids])

    def __call__(self, latents: Tensor, sigma: float) -> Tensor:
        """Velocity at `latents` (n, channels, height, width), float32, at noise level `sigma`."""
        tokens = pack(latents)
        velocity = self._forward(tokens, sigma)
        conditional, unconditional = velocity[: self._pictures], velocity[self._pictures :]
        difference = conditional[self._guided] - unconditional
        conditional[self._guided] = unconditional + self._guidance * difference
        return unpack(conditional, latents.shape)

    def _forward(self, tokens: Tensor, sigma: float) -> Tensor:
        inputs = tokens.to(self._text.dtype)[self._rows]
        if self._reference is not None:
            inputs = torch.cat([inputs, self._reference], dim=1)
        velocity = self._transformer(
            hidden_states=inputs,
            timestep=_timestep(sigma, inputs),
            encoder_hidden_states=self._text,
            txt_ids=self._text_ids,
            img_ids=self._image_ids,
            guidance=None,
            return_dict=False,
        )[0]
        return velocity[:, : tokens.shape[1]].float()


def pack(latents: Tensor) -> Tensor:
    """(n, channels, height, width) -> (n, height x width, channels): tokens in reading order."""
    return latents.flatten(2).transpose(1, 2)


def unpack(tokens: Tensor, shape: torch.Size) -> Tensor:
    """The inverse of `pack`, for latents of `shape`."""
    return tokens.transpose(1, 2).reshape(shape)


def _timestep(sigma: float, inputs: Tensor) -> Tensor:
    """(1,): sigma, rounded as the stock pipeline rounds it, which hands over 1000 sigma in the inputs' dtype.

    One row broadcasts over the batch, and the modulation is computed once instead of once a row.
    """
    scaled = torch.tensor([sigma], dtype=torch.float32) * 1000
    return scaled.to(inputs.dtype).to(inputs.device) / 1000


def positions(time: int, height: int, width: int, length: int, device: torch.device) -> Tensor:
    """(height x width x length, 4): the coordinates of tokens on the RoPE axes time, row, column, text."""
    axes = (torch.tensor([time]), torch.arange(height), torch.arange(width), torch.arange(length))
    return torch.cartesian_prod(*axes).to(device)
