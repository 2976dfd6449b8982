"""The proof at load: a forward of the tuned model against the same forward of the plain one."""

import math

import torch
from torch import Tensor

from strikebox.klein.forward import Conditions, Forward, timesteps
from strikebox.klein.sampler import positions

# Share of the norm by which velocities may differ. Rounding in 16 bits through 25 blocks gives about a
# hundredth, 8-bit products a few hundredths; a wrong kernel, a lost row or a stale buffer gives one.
TOLERANCE = {torch.float32: 1e-3, torch.bfloat16: 0.05}
QUANTISED_TOLERANCE = 0.25
_SIGMAS = (0.9, 0.5, 0.0)


def conditions(text: Tensor, shape: tuple[int, int]) -> Conditions:
    """Two steps of a pass over latents of `shape` (height, width) with `text` (rows, tokens, dim)."""
    length = text.shape[1]
    return Conditions(
        text=text,
        text_ids=positions(0, 1, 1, length, text.device),
        image_ids=positions(0, *shape, 1, text.device),
        times=timesteps(_SIGMAS[:-1], text.dtype, text.device),
        grid=(length, *shape),
    )


@torch.inference_mode()
def velocities(forward: Forward, given: Conditions, channels: int) -> Tensor:
    """Velocities (2, rows, positions, channels) in float32 of two steps from the same noise.

    Two, because what is wrong with a buffer that is used again shows in the second one.
    """
    generator = torch.Generator().manual_seed(0)
    noise = torch.randn(len(given.text), len(given.image_ids), channels, generator=generator)
    tokens, step = noise.to(given.text), forward.begin(given)
    return torch.stack([step(tokens, number).float().clone() for number in range(len(given.times))])


def error(found: Tensor, right: Tensor) -> float:
    """Norm of the difference over that of what is right, the worst of all rows; infinite where no number."""
    differences = torch.linalg.vector_norm((found - right).flatten(2), dim=2)
    worst = float((differences / torch.linalg.vector_norm(right.flatten(2), dim=2)).max())
    return worst if math.isfinite(worst) else math.inf
