"""Rectified flow: the noise levels of a pass, and what survives its start.

    x_sigma = (1 - sigma) * x_0 + sigma * noise          0 <= sigma <= 1
    velocity = noise - x_0                               (Liu, Gong and Liu 2022, arXiv 2209.03003)

Numbers in, numbers out: no tensors, so recipes, reports and the site can ask without a model.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from math import exp, hypot, log2

from strikebox.passes import Edit, ImageToImage, Pass, Sigma, Strength, TextToImage

# FLUX.2's time shift: mu is linear in the number of image tokens, fitted at 10 and at 200 steps
# (black-forest-labs/flux2 sampling.py; diffusers `compute_empirical_mu`).
_MU_AT_10_STEPS = (8.73809524e-05, 1.89833333)
_MU_AT_200_STEPS = (1.6927e-04, 0.45666666)
_TOKENS_WITHOUT_STEP_TERM = 4300


def time_shift(image_tokens: int, steps: int) -> float:
    """mu, the exponent by which FLUX.2 pushes its schedule towards noise."""
    at_10, at_200 = (slope * image_tokens + offset for slope, offset in (_MU_AT_10_STEPS, _MU_AT_200_STEPS))
    if image_tokens > _TOKENS_WITHOUT_STEP_TERM:
        return at_200
    return at_200 + (at_200 - at_10) / 190 * (steps - 200)


def schedule(steps: int, mu: float) -> list[float]:
    """Sigmas of `steps` steps, from 1 down to 0: `steps + 1` values."""
    return [_shifted(1 - i / steps, mu) for i in range(steps)] + [0.0]


def start_index(steps: int, strength: float) -> int:
    """First step that an image-to-image pass takes; 0 means that nothing of its input is left.

    Raises RecipeError on a strength that does not lie above 0 and at most at 1.
    """
    return Strength(strength).start_index(steps)


def pass_sigmas(pass_: Pass, image_tokens: int) -> tuple[float, ...]:
    """Sigmas that a pass goes through, from its start down to 0: one Euler step between neighbours.

    `image_tokens` are those of the picture that the pass makes, reference tokens not counted.
    """
    whole = schedule(pass_.steps, time_shift(image_tokens, pass_.steps))
    match pass_:
        case TextToImage() | Edit():
            return tuple(whole)
        case ImageToImage():
            return tuple(_from_start(pass_.start, whole))


def strength_at(sigma: float, mu: float) -> float:
    """The strength that would start at `sigma` if steps were endlessly fine: the shift, undone."""
    return 0.0 if sigma == 0 else 1 / (1 + exp(mu) * (1 / sigma - 1))


def surviving(power: Sequence[float], sigma: float) -> list[int]:
    """Indices of the modes that stand above the noise: ((1 - sigma) / sigma)^2 * power > 1.

    `power` is the mean squared amplitude of each mode of x_0 under an orthonormal transform.
    """
    return [k for k, p in enumerate(power) if signal_to_noise(p, sigma) > 1]


def bits_across(power: Iterable[float], sigma: float) -> float:
    """Most bits about x_0 that x_sigma can carry: the capacity of independent Gaussian channels.

    Cover and Thomas, Elements of Information Theory, parallel Gaussian channels.
    """
    return sum(0.5 * log2(1 + signal_to_noise(p, sigma)) for p in power)


def signal_to_noise(power: float, sigma: float) -> float:
    """Power of a mode over the noise's in x_sigma, 0 < sigma <= 1."""
    return ((1 - sigma) / sigma) ** 2 * power


def _from_start(start: Strength | Sigma, whole: list[float]) -> list[float]:
    match start:
        case Strength():
            return whole[start.start_index(len(whole) - 1) :]
        case Sigma(value=sigma):
            return [sigma, *(s for s in whole if s < sigma)]


def _shifted(t: float, mu: float) -> float:
    return exp(mu) / (exp(mu) + 1 / t - 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Modes of like frequency and power."""

    cycles: float  # per picture, radial
    modes: int
    power: float  # mean squared amplitude of one mode under an orthonormal FFT or DCT


@dataclass(frozen=True, slots=True, kw_only=True)
class Survivors:
    """Modes that stand above the noise."""

    modes: int
    cycles: float | None  # highest frequency among them, per picture; None where there are none


@dataclass(frozen=True, slots=True, kw_only=True)
class LatentSpectrum:
    """How much power normalised latents have at which frequency.

    Packed latents (channels, height, width) hold 2 x 2 sub-pixels of channels / 4 channels. Frequencies
    are those of the unpacked grid. Bands may share one: a measured spectrum has one for each channel there.
    """

    name: str  # of what it was measured on
    bands: tuple[Band, ...]

    @classmethod
    def white(cls, height: int, width: int, channels: int) -> "LatentSpectrum":
        """Unit variance at every mode of packed latents (channels, height, width): their variance on average.

        Of all spectra with this mean power it lets the most bits across, since log2 is concave.
        """
        rows, columns = 2 * height, 2 * width
        radii = Counter(
            _cycles(row, rows, column, columns) for row in range(rows) for column in range(columns)
        )
        bands = (Band(cycles=r, modes=n * channels // 4, power=1.0) for r, n in sorted(radii.items()))
        return cls(name="unit variance at every frequency", bands=tuple(bands))

    @classmethod
    def from_json(cls, text: str) -> "LatentSpectrum":
        """Reads what `to_json` wrote."""
        values = json.loads(text)
        return cls(name=values["name"], bands=tuple(Band(**band) for band in values["bands"]))

    def to_json(self) -> str:
        """{"name": ..., "bands": [{"cycles": ..., "modes": ..., "power": ...}, ...]}"""
        return json.dumps(asdict(self))

    @property
    def modes(self) -> int:
        """All modes: channels x tokens."""
        return sum(band.modes for band in self.bands)

    def low_pass(self, cutoff: float) -> "LatentSpectrum":
        """What lies at or below `cutoff` cycles per picture."""
        return LatentSpectrum(name=self.name, bands=tuple(b for b in self.bands if b.cycles <= cutoff))

    def surviving(self, sigma: float) -> Survivors:
        """What stands above the noise at `sigma`."""
        above = [self.bands[k] for k in surviving([b.power for b in self.bands], sigma)]
        cycles = max((band.cycles for band in above), default=None)
        return Survivors(modes=sum(band.modes for band in above), cycles=cycles)

    def bits_across(self, sigma: float) -> float:
        """Most bits that can cross at `sigma`."""
        return sum(band.modes * bits_across([band.power], sigma) for band in self.bands)


def _cycles(row: int, rows: int, column: int, columns: int) -> float:
    """Radial frequency of an FFT mode in cycles along the longer side; the upper bins mirror the lower."""
    vertical, horizontal = min(row, rows - row) / rows, min(column, columns - column) / columns
    return round(max(rows, columns) * hypot(vertical, horizontal), 6)
