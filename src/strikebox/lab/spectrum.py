"""How much power a model's latents have at which frequency, measured on pictures."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from strikebox.flow import Band, LatentSpectrum
from strikebox.generation.backend import Latents
from strikebox.generation.handoff import cycles, unpack


def measure(name: str, latents: Sequence[Latents]) -> LatentSpectrum:
    """The spectrum of pictures' clean latents, all of one shape: one band for each channel and frequency.

    Power is the variance from picture to picture of a mode of the orthonormal FFT. What all pictures share
    tells nothing about any of them, so it crosses a handoff without carrying a bit.
    Raises ValueError on fewer than two pictures.
    """
    if len(latents) < 2:
        raise ValueError(f"{len(latents)} pictures have no variance; give two or more")
    planes = np.stack([unpack(one) for one in latents])
    power = np.abs(np.fft.fft2(planes - planes.mean(0), norm="ortho")) ** 2
    return LatentSpectrum(name=name, bands=tuple(_bands(power.sum(0) / (len(latents) - 1))))


def _bands(power: NDArray[np.float64]) -> list[Band]:
    """Mean power of `power` (channels, rows, columns) over each radius, channel by channel."""
    radii = cycles(*power.shape[1:]).round(6)
    return [
        Band(cycles=float(radius), modes=int(ring.sum()), power=float(f"{plane[ring].mean():.4g}"))
        for radius in np.unique(radii)
        for ring in [radii == radius]
        for plane in power
    ]
