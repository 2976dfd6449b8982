"""An invisible mark in the pixels: 32 bits that say which picture it is, with 32 more that prove them.

Spread-transform dither modulation, a quantisation index modulation (Chen and Wornell, "Quantization index
modulation: a class of provably good methods for digital watermarking and information embedding", IEEE
Transactions on Information Theory 47(4), 2001, 1423-1443). The luminance, made 128 x 128, is transformed
(DCT); each bit owns 14 coefficients of 3 to 17 cycles a picture, and their sum under random signs is moved to
the next point of one of two interleaved lattices. A picture that was resized as a whole has the same
coefficients, so it reads the same at any size. The change that moves all 64 sums is chosen to lie where the
picture has edges and texture; flat paper, where it would be seen, changes least. Reading need not know where.

The pattern is public: whoever has this program can read the mark, write another one, or wipe it out. It helps
to find an honest picture's origin after its metadata were lost; it is no proof against anybody who lies. What
it survives is in docs/provenance.md; cropping is not among it.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from strikebox.errors import ProvenanceError
from strikebox.generation.backend import Pixels

BITS = 64
LEAST_SIDE = 48  # px
_SIDE = 128
_BAND = (6, 34)  # half cycles a picture
_STEPS = ((512, 32.0), (192, 48.0), (0, 80.0))  # from this shorter side in px: spacing of a lattice
_GAINS = tuple(1 + 0.02 * number for number in (0, *(sign * n for n in range(1, 8) for sign in (-1, 1))))
_DOUBTFUL = 4  # bits that are tried both ways where the 64 do not fit together
_ROUNDS = 8
_BLOCK = 4  # px of 128 over which slopes are averaged
_BUSY_SLOPE = 16.0  # grey levels a px of 128 from which a place hides as much as any
_LEAST = 0.08  # what flat places count for
_KEY = b"strikebox watermark 1"
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)

Plane = NDArray[np.float32]
Values = NDArray[np.float64]
Bits = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A mark as read."""

    number: int  # 32 bits
    corrected: int  # of the 64 bits, those that were read wrong


def number_of(name: str) -> int:
    """The mark of the picture called `name`: 32 bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4])


def embed(pixels: Pixels, number: int) -> Pixels:
    """`pixels` (height, width, 3) with the mark `number`, 32 bits. What it costs is in docs/provenance.md.

    Raises ProvenanceError where a side is under 48 px.
    """
    height, width = pixels.shape[:2]
    if min(height, width) < LEAST_SIDE:
        raise ProvenanceError(
            f"a picture of {width} x {height} px has no room for a watermark; make it at least "
            f"{LEAST_SIDE} px a side, or set provenance.watermark to false"
        )
    step = next(step for least, step in _STEPS if min(height, width) >= least)
    offsets = (_DITHER + _bits(number) / 2) * step
    goal = np.round((_sums(pixels) - offsets) / step) * step + offsets
    waves = _waves_where_unseen(pixels)
    exact, marked = pixels.astype(np.float32), pixels
    for _ in range(_ROUNDS):  # rounding and clipping to 8 bits take a little back
        missing = goal - _sums(marked)
        if np.abs(missing).max() < step / 32:
            break
        change = (missing @ waves).reshape(_SIDE, _SIDE)
        exact = np.clip(exact + _resized(change.astype(np.float32), width, height)[..., None], 0, 255)
        marked = np.rint(exact).astype(np.uint8)
    return marked


def read(pixels: Pixels) -> Mark | None:
    """The mark in `pixels`; None where there is none that can be read."""
    if min(pixels.shape[:2]) < LEAST_SIDE:
        return None
    sums = _sums(pixels)
    for step in (step * gain for gain in _GAINS for _, step in _STEPS):
        # 0 where the sum lies on the lattice of bit 0, 1 on that of bit 1.
        leaning = 2 * np.abs((sums / step - _DITHER + 0.5) % 1 - 0.5)
        for bits, corrected in _guesses(leaning):
            if (number := _number(bits)) is not None:
                return Mark(number=number, corrected=corrected)
    return None


def _guesses(leaning: Values) -> Iterator[tuple[Bits, int]]:
    """The bits as they lean, then with some of the least certain turned (Chase, 1972)."""
    bits = (leaning > 0.5).astype(np.int64)
    doubtful = np.argsort(np.abs(leaning - 0.5), kind="stable")[:_DOUBTFUL]
    for count in range(_DOUBTFUL + 1):
        for turned in combinations(doubtful.tolist(), count):
            guess = bits.copy()
            guess[list(turned)] ^= 1
            yield guess, count


def _bits(number: int) -> Bits:
    content = number.to_bytes(4)
    return np.unpackbits(np.frombuffer(content + _check(content), np.uint8)).astype(np.int64)


def _number(bits: Bits) -> int | None:
    content = np.packbits(bits.astype(np.uint8)).tobytes()
    return int.from_bytes(content[:4]) if content[4:] == _check(content[:4]) else None


def _check(content: bytes) -> bytes:
    return hashlib.sha256(_KEY + content).digest()[:4]


def _sums(pixels: Pixels) -> Values:
    """(64,) what each bit's coefficients come to under their signs."""
    spectrum = _COSINES @ _resized(pixels @ _LUMINANCE, _SIDE, _SIDE) @ _COSINES.T
    return (spectrum.ravel()[_PLACES] * _SIGNS).sum(axis=1)


def _waves_where_unseen(pixels: Pixels) -> Values:
    """(64, 128 * 128) changes of the luminance, each of which raises its own sum by 1 and no other.

    Of all such changes those with the least sum of squares; a square counts the less the busier its place.
    """
    waves = _waves()
    shaped = waves * _busy(pixels).ravel()
    return np.linalg.solve(shaped @ waves.T, shaped).astype(np.float64)


def _busy(pixels: Pixels) -> Values:
    """(128, 128) how much goes on at each place: 1 at edges and in texture, less where it is flat."""
    down, across = np.gradient(_resized(pixels @ _LUMINANCE, _SIDE, _SIDE))
    blocks = np.square(down) + np.square(across)
    coarse = blocks.reshape(_SIDE // _BLOCK, _BLOCK, _SIDE // _BLOCK, _BLOCK).mean(axis=(1, 3))
    slope = _resized(np.sqrt(coarse).astype(np.float32), _SIDE, _SIDE)
    return np.clip(slope / _BUSY_SLOPE, _LEAST, 1).astype(np.float64)


@cache
def _waves() -> Values:
    """(64, 128 * 128) of each bit its coefficients with their signs, as a picture; orthonormal."""
    spectra = np.zeros((BITS, _SIDE * _SIDE))
    np.put_along_axis(spectra, _PLACES, _SIGNS, axis=1)
    return (_COSINES.T @ spectra.reshape(BITS, _SIDE, _SIDE) @ _COSINES).reshape(BITS, -1)


def _resized(plane: Plane, width: int, height: int) -> Plane:
    if plane.shape == (height, width):
        return plane
    image = Image.fromarray(np.ascontiguousarray(plane, np.float32))
    return np.asarray(image.resize((width, height), Image.Resampling.BICUBIC))


def _cosines() -> Values:
    """The orthonormal discrete cosine transform, DCT-II, as a matrix (frequency, place)."""
    frequency, place = np.mgrid[:_SIDE, :_SIDE]
    waves = np.cos(np.pi * (2 * place + 1) * frequency / (2 * _SIDE)) * np.sqrt(2 / _SIDE)
    waves[0] /= np.sqrt(2)
    return waves


def _layout() -> tuple[NDArray[np.intp], Values, Values]:
    """Places of each bit's coefficients (64, n), their signs (64, n), and dither (64,), 0 to 1.

    From a hash, since a library's random numbers may change with its version.
    """
    down, across = np.mgrid[:_SIDE, :_SIDE]
    radius = np.hypot(down, across)
    places = np.flatnonzero((radius >= _BAND[0]) & (radius < _BAND[1]))
    count = len(places) // BITS * BITS
    words = np.frombuffer(hashlib.shake_256(_KEY).digest(8 * (2 * len(places) + BITS)), ">u8")
    order = np.argsort(words[: len(places)], kind="stable")[:count]
    signs = np.where(words[len(places) : len(places) + count] & 1, 1.0, -1.0).reshape(BITS, -1)
    dither = words[-BITS:].astype(np.float64) / 2**64
    return places[order].reshape(BITS, -1), signs / np.sqrt(signs.shape[1]), dither


_COSINES = _cosines()
_PLACES, _SIGNS, _DITHER = _layout()
