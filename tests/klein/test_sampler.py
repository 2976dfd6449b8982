"""Image-to-image and guidance against closed forms, with linear velocities in place of the transformer."""

from collections.abc import Callable
from itertools import pairwise
from math import prod, sqrt
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from strikebox import flow
from strikebox.klein.autoencoder import patchify, unpatchify
from strikebox.klein.forward import PlainForward
from strikebox.klein.sampler import GuidedVelocity, Velocity, euler, pack, unpack

SHAPE = (2, 3, 4, 4)
POWER = 4.0  # variance of the pictures that the linear velocity was "trained" on


def start(sigma: float) -> tuple[Tensor, Tensor]:
    """A picture, and the same with noise up to `sigma`: where an image-to-image pass begins."""
    generator = torch.Generator().manual_seed(0)
    clean = sqrt(POWER) * torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    noise = torch.randn(SHAPE, generator=generator, dtype=torch.float64)
    return clean, (1 - sigma) * clean + sigma * noise


def variance(sigma: float) -> float:
    return (1 - sigma) ** 2 * POWER + sigma**2


def slope(sigma: float) -> float:
    """E[noise - x_0 | x_sigma] / x_sigma of Gaussian pictures with variance POWER."""
    return (sigma - (1 - sigma) * POWER) / variance(sigma)


def sigmas(steps: int, sigma: float) -> list[float]:
    return [sigma, *(s for s in flow.schedule(steps, flow.time_shift(64, steps)) if s < sigma)]


def even(steps: int, sigma: float) -> list[float]:
    return [sigma * (1 - k / steps) for k in range(steps + 1)]


def at(schedule: list[float], velocity: Callable[[Tensor, float], Tensor]) -> Velocity:
    """`velocity` of a noise level as one of the number of a step."""
    return lambda x, number: velocity(x, schedule[number])


@pytest.mark.parametrize("sigma", [0.95, 0.8, 0.5])
def test_a_point_is_reached_exactly(sigma: float) -> None:
    """All pictures are one: velocity (x - point) / sigma is straight, and any number of steps ends there."""
    _, noisy = start(sigma)
    point = torch.full(SHAPE, 0.3, dtype=torch.float64)
    for steps in (1, 5, 28):
        end = euler(at(sigmas(steps, sigma), lambda x, s: (x - point) / s), noisy, sigmas(steps, sigma))
        torch.testing.assert_close(end, point)


@pytest.mark.parametrize("sigma", [0.95, 0.8, 0.5])
def test_linear_velocity_multiplies(sigma: float) -> None:
    """Each step multiplies by 1 + (following - sigma) * slope(sigma)."""
    _, noisy = start(sigma)
    schedule = sigmas(28, sigma)
    factor = prod(1 + (b - a) * slope(a) for a, b in pairwise(schedule))
    torch.testing.assert_close(
        euler(at(schedule, lambda x, s: slope(s) * x), noisy, schedule), factor * noisy
    )


def test_steps_converge_to_the_flow_at_first_order() -> None:
    """The exact flow of Gaussian pictures scales x by the ratio of standard deviations."""
    _, noisy = start(0.8)
    exact = noisy * sqrt(variance(0.0) / variance(0.8))
    errors = [
        float(
            (euler(at(even(steps, 0.8), lambda x, s: slope(s) * x), noisy, even(steps, 0.8)) - exact).norm()
        )
        for steps in (100, 200, 400, 800)
    ]
    for coarse, fine in pairwise(errors):
        assert coarse / fine == pytest.approx(2, rel=0.05)


class LinearTransformer(nn.Module):
    """velocity = first text number * x + sigma, and a record of what it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[dict[str, Any]] = []

    def forward(self, **asked: Any) -> tuple[Tensor]:
        self.asked.append(asked)
        return (
            asked["encoder_hidden_states"][:, :1, :1] * asked["hidden_states"]
            + asked["timestep"][:, None, None],
        )


def guided(transformer: Any, guidance: list[float], reference: Tensor | None = None) -> GuidedVelocity:
    text = torch.tensor([2.0, 3.0]).view(2, 1, 1).expand(2, 5, 7)
    return GuidedVelocity(
        PlainForward(transformer),
        sigmas=(0.7, 0.0),
        text=text,
        empty=torch.ones(1, 5, 7),
        guidance=guidance,
        shape=(4, 4),
        reference=reference,
    )


def test_guidance_is_per_picture_and_the_unguided_cost_one_row() -> None:
    transformer = LinearTransformer()
    latents = torch.randn(SHAPE, generator=torch.Generator().manual_seed(0))
    velocity = guided(transformer, [4.0, 1.0])(latents, 0)
    torch.testing.assert_close(velocity[0], (1 + 4 * (2 - 1)) * latents[0] + 0.7)
    torch.testing.assert_close(velocity[1], 3 * latents[1] + 0.7)
    assert len(transformer.asked) == 1
    assert transformer.asked[0]["hidden_states"].shape == (3, 16, 3)


def test_positions_are_those_of_the_stock_pipeline() -> None:
    from diffusers import Flux2KleinPipeline as Stock

    transformer = LinearTransformer()
    reference = torch.zeros(2, 3, 2, 6)
    guided(transformer, [1.0, 1.0], reference)(torch.zeros(SHAPE), 0)
    asked = SimpleNamespace(**transformer.asked[0])
    images = [Stock._prepare_latent_ids(torch.zeros(SHAPE))[0], Stock._prepare_image_ids([reference[:1]])[0]]
    assert torch.equal(asked.img_ids, torch.cat(images))
    assert torch.equal(asked.txt_ids, Stock._prepare_text_ids(torch.zeros(1, 5, 7))[0])


def test_reference_tokens_follow_the_picture_and_get_no_velocity() -> None:
    transformer = LinearTransformer()
    latents, reference = (
        torch.zeros(SHAPE),
        torch.randn(2, 3, 2, 6, generator=torch.Generator().manual_seed(0)),
    )
    velocity = guided(transformer, [2.0, 1.0], reference)(latents, 0)
    hidden = transformer.asked[0]["hidden_states"]
    torch.testing.assert_close(hidden[:, 16:], pack(reference)[[0, 1, 0]])
    assert velocity.shape == SHAPE


def test_packing_is_that_of_the_stock_pipeline() -> None:
    from diffusers import Flux2KleinPipeline as Stock

    raw = torch.randn(2, 4, 6, 10, generator=torch.Generator().manual_seed(0))
    latents = patchify(raw)
    assert torch.equal(latents, Stock._patchify_latents(raw))
    assert torch.equal(unpatchify(latents), raw)
    assert torch.equal(pack(latents), Stock._pack_latents(latents))
    assert torch.equal(unpack(pack(latents), latents.shape), latents)
