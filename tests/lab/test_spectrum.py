"""The spectrum of latents: Parseval, and white noise as its closed form."""

import numpy as np
import pytest

from strikebox.flow import LatentSpectrum
from strikebox.lab import spectrum


def test_white_latents_have_unit_power_everywhere() -> None:
    noise = np.random.default_rng(0).standard_normal((4000, 8, 2, 3)).astype(np.float32)
    measured = spectrum.measure("noise", list(noise))
    white = LatentSpectrum.white(2, 3, 8)
    assert measured.modes == white.modes == 8 * 2 * 3
    assert {band.cycles for band in measured.bands} == {band.cycles for band in white.bands}
    assert all(band.power == pytest.approx(1, abs=0.15) for band in measured.bands)
    assert measured.bits_across(0.9) == pytest.approx(white.bits_across(0.9), rel=0.02)


def test_power_sums_to_the_variance_of_the_latents() -> None:
    random = np.random.default_rng(1)
    latents = (random.standard_normal((50, 4, 3, 3)) * random.uniform(0.1, 2, (4, 3, 3))).astype(np.float32)
    total = sum(band.power * band.modes for band in spectrum.measure("any", list(latents)).bands)
    assert total == pytest.approx(latents.var(0, ddof=1, dtype=np.float64).sum(), rel=1e-3)


def test_what_all_pictures_share_carries_nothing() -> None:
    shared = np.random.default_rng(2).standard_normal((4, 2, 2)).astype(np.float32)
    assert spectrum.measure("the same", [shared, shared]).bits_across(0.5) == 0


def test_one_picture_has_no_variance() -> None:
    with pytest.raises(ValueError, match="two or more"):
        spectrum.measure("one", [np.zeros((4, 2, 2), np.float32)])
