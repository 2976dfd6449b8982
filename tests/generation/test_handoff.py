import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikebox.generation.backend import Latents
from strikebox.generation.handoff import kept, low_pass, mix, pack, phase_scrambled, unpack
from strikebox.recipe import Handoff

SHAPES = [(4, 1, 1), (8, 4, 4), (12, 3, 5), (4, 8, 2)]


def latents(shape: tuple[int, ...], seed: int = 0) -> Latents:
    return np.random.default_rng(seed).standard_normal(shape, dtype=np.float32)


def spectrum(x: Latents) -> np.ndarray:
    return np.abs(np.fft.fft2(unpack(x), norm="ortho"))


def cosine(cycles: tuple[int, int], height: int, width: int) -> Latents:
    y, x = np.mgrid[:height, :width]
    return pack(np.cos(2 * np.pi * (cycles[0] * y / height + cycles[1] * x / width))[None])


@pytest.mark.parametrize("shape", SHAPES)
def test_packing_is_that_of_diffusers(shape: tuple[int, int, int]) -> None:
    """`_patchify_latents`: view(c, h, 2, w, 2), permute to (c, dy, dx, h, w)."""
    channels, height, width = shape[0] // 4, shape[1], shape[2]
    planes = latents((channels, 2 * height, 2 * width))
    packed = pack(planes.astype(np.float64))
    for c, dy, dx, y, x in np.ndindex(channels, 2, 2, height, width):
        assert packed[c * 4 + dy * 2 + dx, y, x] == planes[c, 2 * y + dy, 2 * x + dx]
    np.testing.assert_array_equal(unpack(packed), planes)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cutoff", [0.0, 1.0, 2.5, 100.0])
def test_low_pass_is_a_projection(shape: tuple[int, int, int], cutoff: float) -> None:
    """Applied twice it changes nothing more, and what it keeps is orthogonal to what it drops."""
    x = latents(shape)
    once = low_pass(x, cutoff)
    np.testing.assert_allclose(low_pass(once, cutoff), once, atol=1e-6)
    assert np.vdot(once, x - once) == pytest.approx(0, abs=1e-4)
    # Parseval: the energy of the two parts is that of the whole.
    assert np.square(once).sum() + np.square(x - once).sum() == pytest.approx(np.square(x).sum(), rel=1e-5)


@pytest.mark.parametrize("cycles", [(0, 1), (2, 0), (3, 4), (1, 7)])
def test_low_pass_keeps_a_cosine_up_to_its_frequency_and_no_further(cycles: tuple[int, int]) -> None:
    wave, frequency = cosine(cycles, 16, 16), float(np.hypot(*cycles))
    np.testing.assert_allclose(low_pass(wave, frequency + 1e-6), wave, atol=1e-6)
    np.testing.assert_allclose(low_pass(wave, frequency - 1e-6), 0, atol=1e-6)


def test_cycles_count_along_the_longer_side() -> None:
    """Two cycles along 8 rows are as fine as four along 16 columns."""
    down, across = cosine((2, 0), 8, 16), cosine((0, 4), 8, 16)
    for wave in (down, across):
        np.testing.assert_allclose(low_pass(wave, 4.0), wave, atol=1e-6)
        np.testing.assert_allclose(low_pass(wave, 3.9), 0, atol=1e-6)


def test_texture_of_two_pixels_is_a_frequency_and_not_a_mean() -> None:
    """Packed, a checkerboard is flat channels; it must not pass as their means."""
    checkerboard = cosine((8, 8), 16, 16)
    assert np.ptp(checkerboard, axis=(1, 2)).max() < 1e-6
    mean = kept(checkerboard, Handoff(keep="mean"), np.random.default_rng(0))
    np.testing.assert_allclose(mean, 0, atol=1e-6)


@pytest.mark.parametrize("shape", SHAPES)
def test_mean_is_the_mean_of_each_channel_and_low_pass_at_zero(shape: tuple[int, int, int]) -> None:
    x = latents(shape)
    mean = kept(x, Handoff(keep="mean"), np.random.default_rng(0))
    expected = np.broadcast_to(
        x.reshape(-1, 4, *shape[1:]).mean(axis=(1, 2, 3), keepdims=True), (shape[0] // 4, 4, *shape[1:])
    )
    np.testing.assert_allclose(mean, expected.reshape(shape), atol=1e-6)
    np.testing.assert_array_equal(mean, low_pass(x, 0.0))


@pytest.mark.parametrize("shape", SHAPES)
def test_phase_scrambling_keeps_amplitudes_and_means(shape: tuple[int, int, int]) -> None:
    x = latents(shape)
    scrambled = phase_scrambled(x, np.random.default_rng(7))
    np.testing.assert_allclose(spectrum(scrambled), spectrum(x), atol=1e-5)
    np.testing.assert_allclose(unpack(scrambled).mean(axis=(1, 2)), unpack(x).mean(axis=(1, 2)), atol=1e-6)
    assert np.square(scrambled).sum() == pytest.approx(np.square(x).sum(), rel=1e-5)


def test_phase_scrambling_keeps_how_channels_vary_together() -> None:
    x = latents((12, 6, 6))
    scrambled = phase_scrambled(x, np.random.default_rng(7))
    before, after = (np.cov(unpack(v).reshape(3, -1)) for v in (x, scrambled))
    np.testing.assert_allclose(after, before, atol=1e-5)


def test_phase_scrambling_destroys_the_composition_and_follows_its_generator() -> None:
    x = latents((16, 16, 16))
    first, again, other = (phase_scrambled(x, np.random.default_rng(s)) for s in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert abs(np.corrcoef(first.ravel(), x.ravel())[0, 1]) < 0.1
    assert abs(np.corrcoef(first.ravel(), other.ravel())[0, 1]) < 0.1


def test_whole_and_nothing() -> None:
    x, generator = latents((8, 2, 2)), np.random.default_rng(0)
    np.testing.assert_array_equal(kept(x, Handoff(), generator), x)
    np.testing.assert_array_equal(kept(x, Handoff(keep="nothing"), generator), 0)


@given(sigma=st.floats(0, 1))
def test_mixing_is_linear_between_picture_and_noise(sigma: float) -> None:
    x, noise = latents((4, 2, 2), 1), latents((4, 2, 2), 2)
    mixed = mix(x, noise, sigma)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(mixed, x + sigma * (noise.astype(np.float64) - x), atol=1e-6)


def test_mixing_ends_are_exact() -> None:
    x, noise = latents((4, 2, 2), 1), latents((4, 2, 2), 2)
    np.testing.assert_array_equal(mix(x, noise, 0.0), x)
    np.testing.assert_array_equal(mix(x, noise, 1.0), noise)
