"""The toy is the yardstick of other tests, so its own closed forms are checked against first principles."""

from dataclasses import replace
from itertools import pairwise
from math import prod, sqrt

import numpy as np
import pytest

from strikebox.flow import schedule
from strikebox.generation import toy
from strikebox.generation.backend import Denoise, LoraState, Size
from strikebox.generation.toy import SPREAD, ToyBackend

SIZE = Size(height=32, width=48)


def request_from_noise(steps: int = 8, guidance: float = 1.0, prompt: str = "cat") -> Denoise:
    return Denoise(
        latents=ToyBackend().noise(1, SIZE),
        sigmas=tuple(schedule(steps, mu=1.0)),
        prompt=prompt,
        guidance=guidance,
        lora=None,
        reference=None,
    )


def closed_form(request: Denoise) -> np.ndarray:
    """Where Euler steps end: mu + (x - (1 - sigma) mu) prod (1 + a dsigma)."""
    mu, sigmas = toy.guided_mean(request), request.sigmas
    shrink = prod(1 + toy.slope(s) * (t - s) for s, t in pairwise(sigmas))
    return (1 - sigmas[-1]) * mu + shrink * (request.latents - (1 - sigmas[0]) * mu)


@pytest.mark.parametrize("sigma", [0.05, 0.3, 0.8, 1.0])
def test_the_velocity_is_the_best_linear_prediction(sigma: float) -> None:
    """Regress noise - x_0 on x_sigma over many draws: slope and offset are those of the closed form."""
    random, mu = np.random.default_rng(0), 0.7
    x_0, noise = mu + SPREAD * random.standard_normal(400_000), random.standard_normal(400_000)
    x = (1 - sigma) * x_0 + sigma * noise
    slope, offset = np.polyfit(x, noise - x_0, 1)
    zero = np.zeros(1, np.float32)
    assert slope == pytest.approx(toy.slope(sigma), abs=0.02)
    assert offset == pytest.approx(toy.velocity(zero, sigma, np.array([mu]))[0], abs=0.02)


@pytest.mark.parametrize("guidance", [1.0, 4.0])
@pytest.mark.parametrize("lora", [None, LoraState(scale=2.0)])
def test_euler_steps_end_where_the_closed_form_says(guidance: float, lora: LoraState | None) -> None:
    request = replace(request_from_noise(guidance=guidance), lora=lora)
    np.testing.assert_allclose(ToyBackend().denoise([request])[0], closed_form(request), atol=1e-5)


def test_steps_converge_to_the_probability_flow_at_first_order() -> None:
    """The exact flow maps N(0, 1) at sigma 1 to N(mu, s^2) at 0, so x becomes mu + s x."""
    exact = toy.guided_mean(request_from_noise()) + SPREAD * request_from_noise().latents
    errors = [
        np.abs(ToyBackend().denoise([request_from_noise(steps)])[0] - exact).max() for steps in (64, 128, 256)
    ]
    assert errors[0] / errors[1] == pytest.approx(2, rel=0.1)
    assert errors[1] / errors[2] == pytest.approx(2, rel=0.1)


def test_guidance_is_linear_between_empty_and_prompt() -> None:
    empty, plain, guided = (
        toy.velocity(request.latents, 0.5, toy.guided_mean(request))
        for request in (request_from_noise(prompt=""), request_from_noise(), request_from_noise(guidance=4.0))
    )
    np.testing.assert_allclose(guided, empty + 4 * (plain - empty), atol=1e-5)


def test_a_reference_pulls_towards_itself() -> None:
    alone = request_from_noise()
    reference = ToyBackend().noise(5, SIZE)
    edited = replace(alone, reference=reference)
    np.testing.assert_allclose(toy.guided_mean(edited), (toy.guided_mean(alone) + reference) / 2, atol=1e-6)


def test_cutting_a_pass_into_two_changes_no_bit() -> None:
    backend, whole = ToyBackend(), request_from_noise()
    first = replace(whole, sigmas=whole.sigmas[:4])
    second = replace(whole, sigmas=whole.sigmas[3:], latents=backend.denoise([first])[0])
    np.testing.assert_array_equal(backend.denoise([second])[0], backend.denoise([whole])[0])


def test_a_batch_gives_what_each_request_gives_alone() -> None:
    backend = ToyBackend()
    batch = [request_from_noise(prompt=prompt) for prompt in ("cat", "dog", "owl")]
    for together, request in zip(backend.denoise(batch), batch, strict=True):
        np.testing.assert_array_equal(together, backend.denoise([request])[0])


def test_requests_that_do_not_agree_are_refused() -> None:
    with pytest.raises(ValueError, match="agree"):
        ToyBackend().denoise([request_from_noise(8), request_from_noise(9)])


def test_pictures_come_back_from_latents_and_latents_from_pictures() -> None:
    backend = ToyBackend()
    latents = backend.noise(3, SIZE).clip(-4, 4)
    picture = backend.decode([latents])[0]
    assert picture.shape == (32, 48, 3)
    assert picture.dtype == np.uint8
    back = backend.encode([picture])[0]
    assert np.abs(back - latents).max() <= 8 / 255 / 2 + 1e-6
    np.testing.assert_array_equal(backend.decode([back])[0], picture)


def test_noise_is_standard_normal_and_belongs_to_its_seed() -> None:
    backend, large = ToyBackend(), Size(height=1024, width=1024)
    noise = backend.noise(1, large)
    assert noise.dtype == np.float32
    assert noise.mean() == pytest.approx(0, abs=4 / sqrt(noise.size))
    assert noise.std() == pytest.approx(1, abs=4 / sqrt(noise.size))
    np.testing.assert_array_equal(noise, backend.noise(1, large))
    assert not np.array_equal(noise, backend.noise(2, large))


def test_it_keeps_account() -> None:
    backend = ToyBackend()
    backend.denoise([request_from_noise(8)] * 2)
    assert backend.batches == [(2, None)]
    assert sorted(backend.steps.values()) == [2] * 8
