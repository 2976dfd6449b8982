"""Sigmas are those of diffusers; what survives is arithmetic."""

from math import log2

import numpy as np
import pytest
from diffusers import FlowMatchEulerDiscreteScheduler
from diffusers.pipelines.flux2.pipeline_flux2_klein import compute_empirical_mu
from hypothesis import given
from hypothesis import strategies as st

from strikebox import flow
from strikebox.errors import RecipeError
from strikebox.generation.handoff import low_pass
from strikebox.recipe import Edit, ImageToImage, Sigma, Strength, TextToImage

TOKENS = [64, 1024, 4096, 4300, 4301, 9000]
STEPS = [1, 4, 28, 50]


def image_to_image(start: Strength | Sigma, steps: int = 28) -> ImageToImage:
    return ImageToImage(prompt="{subject}", steps=steps, guidance=4, start=start)


@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("steps", STEPS)
def test_the_shift_is_that_of_stock_diffusers(tokens: int, steps: int) -> None:
    assert flow.time_shift(tokens, steps) == pytest.approx(compute_empirical_mu(tokens, steps))


@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("steps", STEPS)
def test_the_schedule_is_that_of_stock_diffusers(tokens: int, steps: int) -> None:
    mu = flow.time_shift(tokens, steps)
    scheduler = FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, time_shift_type="exponential")
    scheduler.set_timesteps(sigmas=np.linspace(1.0, 1 / steps, steps).tolist(), mu=mu)
    assert flow.schedule(steps, mu) == pytest.approx(np.asarray(scheduler.sigmas).tolist(), abs=1e-6)


def test_strength_is_not_noise() -> None:
    """Strength 0.9 at 28 steps leaves one part in a hundred of pass 1, not one in ten."""
    sigmas = flow.schedule(28, flow.time_shift(4096, 28))
    starts = [sigmas[flow.start_index(28, strength)] for strength in (0.9, 0.7, 0.5)]
    assert starts == pytest.approx([0.991, 0.956, 0.896], abs=1e-3)


def test_a_short_schedule_throws_pass_one_away() -> None:
    assert flow.start_index(4, 0.9) == 0


@given(steps=st.integers(1, 100), strength=st.floats(0.001, 1))
def test_strength_counts_steps_as_diffusers_does(steps: int, strength: float) -> None:
    taken = min(steps * strength, steps)  # `get_timesteps` of the image-to-image pipelines, word for word
    assert flow.start_index(steps, strength) == int(max(steps - taken, 0))


@pytest.mark.parametrize("strength", [0, -0.1, 1.2, float("nan")])
def test_impossible_strengths_are_refused(strength: float) -> None:
    with pytest.raises(RecipeError, match="strength: is"):
        flow.start_index(28, strength)


@given(steps=st.integers(1, 60), tokens=st.integers(1, 9000))
def test_image_to_image_from_strength_one_is_the_whole_schedule(steps: int, tokens: int) -> None:
    whole = flow.pass_sigmas(TextToImage(prompt="", steps=steps, guidance=4), tokens)
    assert flow.pass_sigmas(image_to_image(Strength(1), steps), tokens) == whole
    assert flow.pass_sigmas(Edit(prompt="", steps=steps, guidance=4), tokens) == whole


@given(steps=st.integers(1, 60), tokens=st.integers(1, 9000), sigma=st.floats(0.001, 0.999))
def test_a_pass_from_sigma_starts_there_and_goes_on_along_the_schedule(
    steps: int, tokens: int, sigma: float
) -> None:
    first, *others = flow.pass_sigmas(image_to_image(Sigma(sigma), steps), tokens)
    whole = flow.schedule(steps, flow.time_shift(tokens, steps))
    assert first == sigma
    assert others == whole[-len(others) :]
    assert sigma > others[0]
    assert len(others) == len(whole) or whole[-len(others) - 1] >= sigma


@given(steps=st.integers(2, 60), tokens=st.integers(1, 9000), data=st.data())
def test_strength_and_its_sigma_are_the_same_pass(steps: int, tokens: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(1, steps - 1))
    whole = flow.schedule(steps, flow.time_shift(tokens, steps))
    assert list(flow.pass_sigmas(image_to_image(Sigma(whole[index]), steps), tokens)) == whole[index:]


@given(strength=st.floats(0.01, 1), mu=st.floats(0.1, 3))
def test_strength_at_undoes_the_shift(strength: float, mu: float) -> None:
    steps = 1000
    index = flow.start_index(steps, strength)
    sigma = flow.schedule(steps, mu)[index]
    assert flow.strength_at(sigma, mu) == pytest.approx(strength, abs=1.01 / steps)


@given(sigma=st.floats(0.01, 1), power=st.floats(0, 1e4))
def test_bits_across_one_gaussian_channel(sigma: float, power: float) -> None:
    signal, noise = (1 - sigma) ** 2 * power, sigma**2
    assert flow.bits_across([power], sigma) == pytest.approx(0.5 * log2(1 + signal / noise))


def test_a_mode_survives_above_the_noise() -> None:
    assert flow.surviving([9.0, 1.1, 1.0, 0.5], sigma=0.5) == [0, 1]
    assert flow.surviving([9.0, 10.0], sigma=0.75) == [1]


def test_the_white_bound_of_a_full_size_picture() -> None:
    """Unit-variance latents of 64 x 64 x 128: what can cross, and nothing of it above the noise."""
    white = flow.LatentSpectrum.white(height=64, width=64, channels=128)
    assert [white.bits_across(s) for s in (0.991, 0.958, 0.9)] == pytest.approx([30.9, 728, 4641], rel=0.02)
    assert white.surviving(0.6).modes == 0
    assert white.modes == white.surviving(0.4).modes == 64 * 64 * 128


@given(height=st.integers(1, 8), width=st.integers(1, 8), cutoff=st.floats(0, 20))
def test_frequencies_are_those_of_the_low_pass_handoff(height: int, width: int, cutoff: float) -> None:
    """As many modes lie below the cutoff as a low-pass lets noise across."""
    impulse = np.zeros((8, height, width), np.float32)
    impulse[::4, 0, 0] = 1  # one sub-pixel of both channels: all modes of an impulse are equally strong
    through = np.square(low_pass(impulse, cutoff)).sum() * 4 * height * width
    white = flow.LatentSpectrum.white(height=height, width=width, channels=8)
    assert white.low_pass(cutoff).modes == round(float(through))


def test_a_spectrum_reads_back_from_json() -> None:
    spectrum = flow.LatentSpectrum(
        name="labels",
        bands=(flow.Band(cycles=0, modes=2, power=40.5), flow.Band(cycles=1, modes=16, power=0.25)),
    )
    assert flow.LatentSpectrum.from_json(spectrum.to_json()) == spectrum
    assert spectrum.surviving(0.8) == flow.Survivors(modes=2, cycles=0)
    assert spectrum.low_pass(0.5).modes == 2
