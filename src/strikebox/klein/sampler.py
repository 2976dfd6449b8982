"""The denoising loop: Euler steps along the guided velocity of a batch."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import final

import torch
from torch import Tensor

from strikebox.klein.forward import Conditions, Forward, timesteps

Velocity = Callable[[Tensor, int], Tensor]
"""Latents and the number of the step -> dx / dsigma."""

_REFERENCE_TIME = 10  # where FLUX.2 puts the picture to edit on the first RoPE axis; the new picture is at 0


def euler(velocity: Velocity, latents: Tensor, sigmas: Sequence[float]) -> Tensor:
    """Carry `latents` from sigmas[0] to sigmas[-1] with one Euler step between neighbours.

    dx / dsigma = velocity(x, number of the step), so x + (following - sigma) * velocity. Latents stay
    in float32.
    """
    for number, (sigma, following) in enumerate(pairwise(sigmas)):
        latents = latents + (following - sigma) * velocity(latents, number)
    return latents


@final
class GuidedVelocity:
    """Velocity of n pictures under classifier-free guidance, all of it in one forward.

    unconditional + guidance * (conditional - unconditional), where guidance is above 1; the conditional alone
    elsewhere. The transformer sees [conditional rows, unconditional rows of the guided pictures].
    """

    def __init__(
        self,
        forward: Forward,
        *,
        sigmas: Sequence[float],
        text: Tensor,
        empty: Tensor,
        guidance: Sequence[float],
        shape: tuple[int, int],
        reference: Tensor | None,
    ) -> None:
        """
        sigmas: those of the pass; the last one is where it ends
        text: (n, tokens, dim), one prompt a picture; empty: (1, tokens, dim), the empty prompt's
        guidance: n values; at most 1 means none
        shape: height and width of the latents
        reference: clean latents (n, channels, height, width) of the pictures to edit
        """
        guided = [row for row, scale in enumerate(guidance) if scale > 1]
        device = text.device
        self._pictures = len(text)
        self._guided = torch.tensor(guided, device=device, dtype=torch.long)
        self._guidance = torch.tensor([guidance[row] for row in guided], device=device).view(-1, 1, 1)
        self._rows = torch.cat([torch.arange(len(text), device=device), self._guided])
        self._dtype = text.dtype
        self._reference = None
        image_ids, grid = positions(0, *shape, 1, device), (text.shape[1], *shape)
        if reference is not None:
            self._reference = pack(reference).to(text.dtype)[self._rows]
            height, width = reference.shape[2:]
            reference_ids = positions(_REFERENCE_TIME, height, width, 1, device)
            image_ids, grid = torch.cat([image_ids, reference_ids]), (*grid, height, width)
        conditions = Conditions(
            text=torch.cat([text, empty.expand(len(guided), -1, -1)]),
            text_ids=positions(0, 1, 1, text.shape[1], device),
            image_ids=image_ids,
            times=timesteps(sigmas[:-1], text.dtype, device),
            grid=grid,
        )
        self._step = forward.begin(conditions)

    def __call__(self, latents: Tensor, number: int) -> Tensor:
        """Velocity at `latents` (n, channels, height, width), float32, in step `number` of the pass."""
        tokens = pack(latents)
        velocity = self._forward(tokens, number)
        conditional, unconditional = velocity[: self._pictures], velocity[self._pictures :]
        difference = conditional[self._guided] - unconditional
        conditional[self._guided] = unconditional + self._guidance * difference
        return unpack(conditional, latents.shape)

    def _forward(self, tokens: Tensor, number: int) -> Tensor:
        inputs = tokens.to(self._dtype)[self._rows]
        if self._reference is not None:
            inputs = torch.cat([inputs, self._reference], dim=1)
        return self._step(inputs, number)[:, : tokens.shape[1]].float()


def pack(latents: Tensor) -> Tensor:
    """(n, channels, height, width) -> (n, height x width, channels): tokens in reading order."""
    return latents.flatten(2).transpose(1, 2)


def unpack(tokens: Tensor, shape: torch.Size) -> Tensor:
    """The inverse of `pack`, for latents of `shape`."""
    return tokens.transpose(1, 2).reshape(shape)


def positions(time: int, height: int, width: int, length: int, device: torch.device) -> Tensor:
    """(height x width x length, 4): the coordinates of tokens on the RoPE axes time, row, column, text."""
    axes = (torch.tensor([time]), torch.arange(height), torch.arange(width), torch.arange(length))
    return torch.cartesian_prod(*axes).to(device)
