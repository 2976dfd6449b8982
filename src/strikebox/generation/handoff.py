"""What one pass gives the next: which part of its latents is kept, and the noise mixed in.

Packed latents (channels, height, width) hold 2 x 2 sub-pixels of each of channels / 4 unpacked channels, in
the order channel * 4 + dy * 2 + dx. Frequencies have a meaning on the unpacked grid alone, so everything here
unpacks.

Normalisation shifts and scales each sub-pixel by statistics of its own. They are taken over all pictures and
all places, so the four of a channel hardly differ (in an early klein-nano by less than a tenth of a standard
deviation), and the unpacked grid counts as one normalised plane. That makes the controls nest: "mean" is
"low-pass" at cutoff 0 and lets no 2 x 2 texture across.
"""

from typing import assert_never

import numpy as np
from numpy.typing import NDArray

from strikebox.generation.backend import Latents
from strikebox.recipe import Handoff

Plane = NDArray[np.float64]


def kept(latents: Latents, handoff: Handoff, generator: np.random.Generator) -> Latents:
    """The part of clean `latents` (channels, height, width) that `handoff` keeps, in the same shape.

    Only "phase-scrambled" draws from `generator`.
    """
    match handoff.keep:
        case "whole":
            return latents
        case "low-pass":
            assert handoff.cutoff is not None, "Handoff requires it"
            return low_pass(latents, handoff.cutoff)
        case "mean":
            return low_pass(latents, 0.0)
        case "phase-scrambled":
            return phase_scrambled(latents, generator)
        case "nothing":
            return np.zeros_like(latents)
        case _:
            assert_never(handoff.keep)


def mix(latents: Latents, noise: Latents, sigma: float) -> Latents:
    """x_sigma = (1 - sigma) * x_0 + sigma * noise, for latents and noise of one shape."""
    return ((1 - sigma) * latents + sigma * noise).astype(np.float32)


def low_pass(latents: Latents, cutoff: float) -> Latents:
    """Modes of at most `cutoff` cycles per picture, counted along its longer side; a projection.

    A sharp edge: a smooth one would leak a little of every frequency, and a control must not.
    """
    planes = unpack(latents)
    spectrum = np.fft.fft2(planes)
    passing = cycles(*planes.shape[1:]) <= cutoff
    return pack(np.fft.ifft2(spectrum * passing).real)


def phase_scrambled(latents: Latents, generator: np.random.Generator) -> Latents:
    """The amplitude of every mode, with random phases; the means stay as they are.

    All channels turn by the same phases, which keeps how they vary together: colours stay, composition goes.
    Phases are those of white noise, so the result is real.
    """
    planes = unpack(latents)
    turn = np.fft.fft2(generator.standard_normal(planes.shape[1:]))
    turn /= np.abs(turn)
    turn[0, 0] = 1
    return pack(np.fft.ifft2(np.fft.fft2(planes) * turn).real)


def unpack(latents: Latents) -> Plane:
    """(4 c, h, w) to (c, 2 h, 2 w), float64."""
    channels, height, width = latents.shape
    split = latents.astype(np.float64).reshape(channels // 4, 2, 2, height, width)
    return split.transpose(0, 3, 1, 4, 2).reshape(channels // 4, 2 * height, 2 * width)


def pack(planes: Plane) -> Latents:
    """(c, 2 h, 2 w) to (4 c, h, w), float32: as diffusers packs FLUX.2 latents (`_patchify_latents`)."""
    channels, height, width = planes.shape
    split = planes.reshape(channels, height // 2, 2, width // 2, 2)
    return split.transpose(0, 2, 4, 1, 3).reshape(channels * 4, height // 2, width // 2).astype(np.float32)


def cycles(height: int, width: int) -> Plane:
    """Frequency of each mode of `numpy.fft.fft2`, in cycles along the longer side."""
    return max(height, width) * np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None, :])
