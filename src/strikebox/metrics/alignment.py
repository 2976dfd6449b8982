"""Thumbnails of lines, laid over each other: is one picture the other, moved, cropped or mirrored?

Each picture is tried on each training picture in several sizes at every shift, as it is and mirrored:
normalised cross-correlation where the two overlap, by Fourier transform (Lewis, "Fast template matching",
1995). A coarse search finds a few training pictures, a fine one places the picture on each of them.

What all training pictures have in common, a frame say, speaks for none of them: it is taken away first.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from strikebox.metrics.features import Feature
from strikebox.metrics.matches import MOST, Matches

Maps = NDArray[np.float32]  # (n, side, side, directions)
Spectra = NDArray[np.complex64]
Found = NDArray[np.float64]  # (k, 5): training picture, alike, size, down, across; the last three in cells

_ALIKE = 1
_POOL = 3  # cells of the fine search in one of the coarse
_SIZES = (36, 42, 48)  # cells that a side of the picture covers on 48 of the training picture: coarse search
_FINE_SIZES = (36, 39, 42, 45, 48)
_REACH = 0.25  # how far a picture may stick out, in sides of the training picture
_OVERLAP = 0.5  # the least, in areas of the training picture
_DISCOUNT = 0.2  # a match is worth its overlap to this power
_PRIOR = 8  # training pictures that the mean over all places counts for, beside the mean of each place


def match(pictures: Feature, training: Feature) -> Matches:
    """The training pictures (m, 48, 48, directions) that each of `pictures` (n, ...) lies on best.

    Both as `extractors.thumbnail` makes them. Alike is the correlation, at most 1.
    """
    both = np.concatenate([training, mirror(training)])
    common = _common(both)
    gallery, side = _Gallery(both - common), training.shape[1]
    found = np.stack([gallery.search(picture) for picture in pictures - common])
    which, alike, scale, top, left = np.moveaxis(found, -1, 0)
    return Matches(
        training=which.astype(np.intp) % len(training),
        alike=alike,
        mirrored=which >= len(training),
        scale=scale / side,
        top=top / side,
        left=left / side,
    )


def mirror(maps: Feature) -> Feature:
    """The thumbnails (n, side, side, directions) of the mirrored pictures."""
    directions = maps.shape[-1]
    return maps[:, :, ::-1][..., -np.arange(directions) % directions]


def _common(maps: Maps) -> Maps:
    """What the training pictures share at each place; with few of them, at all places."""
    weight = np.float32(len(maps) / (len(maps) + _PRIOR))
    return weight * maps.mean(axis=0) + (1 - weight) * maps.mean(axis=(0, 1, 2))


class _Gallery:
    """Training pictures and then, in the same order, their mirror images."""

    def __init__(self, maps: Maps) -> None:
        self._maps = maps
        self._coarse = _Sheets(_pooled(maps), np.arange(len(maps)))

    def search(self, picture: Maps) -> Found:
        """The most alike training pictures, each once, the most alike first."""
        rough = self._coarse.best(_Picture(_pooled(picture[None])[0]), [size // _POOL for size in _SIZES])
        rough = _better(*np.split(rough, 2))
        fine = _Picture(picture)
        return _ordered(np.concatenate([self._refined(fine, one) for one in _ordered(rough)[:MOST]]))

    def _refined(self, picture: "_Picture", rough: NDArray[np.float64]) -> Found:
        which = rough[:1].astype(np.intp)
        sheet = _Sheets(self._maps[which], which)
        found = sheet.best(picture, _FINE_SIZES)
        size = int(found[0, 2])
        return _better(found, sheet.best(picture, (size - 1, size + 1)))


def _better(some: Found, others: Found) -> Found:
    """The more alike of the two at each place."""
    return np.where((others > some)[:, _ALIKE, None], others, some)


def _ordered(found: Found) -> Found:
    return found[np.argsort(-found[:, _ALIKE], kind="stable")]


@dataclass(frozen=True, slots=True, eq=False)
class _Picture:
    """A picture in any size."""

    maps: Maps  # (side, side, directions)
    spectra: dict[int, tuple[Spectra, Spectra]] = field(default_factory=dict[int, tuple[Spectra, Spectra]])

    def covering(self, size: int) -> tuple[Spectra, Spectra]:
        """Conjugate spectra (directions, ...) of the picture so resized, and of its squares."""
        if size not in self.spectra:
            side = len(self.maps)
            weights = _weights(side, size)
            resized = np.einsum("ih,hwd,jw->dij", weights, self.maps, weights, optimize=True)
            squares = np.square(resized).sum(axis=0)
            self.spectra[size] = _spectra(resized, side).conj(), _spectra(squares, side).conj()
        return self.spectra[size]


class _Sheets:
    """Training pictures, ready for a picture to be laid on them."""

    def __init__(self, maps: Maps, training: NDArray[np.intp]) -> None:
        self._training, self._side = training, maps.shape[1]
        self._spectra = _spectra(np.moveaxis(maps, -1, 1), self._side)
        self._squares = _spectra(np.square(maps).sum(axis=-1), self._side)
        self._energies: dict[int, NDArray[np.float32]] = {}

    def best(self, picture: _Picture, sizes: Iterable[int]) -> Found:
        """The best of all sizes and shifts for each training picture, in their order."""
        first, *others = (self._best_shift(picture, size) for size in sizes)
        for other in others:
            first = _better(first, other)
        return first

    def _best_shift(self, picture: _Picture, size: int) -> Found:
        shifts = _shifts(self._side, size)
        alike = self._alike(picture, shifts).reshape(len(self._training), -1)
        best = alike.argmax(axis=1)
        down, across = np.divmod(best, len(shifts.steps))
        highest = np.take_along_axis(alike, best[:, None], axis=1)[:, 0]
        covered = np.full(len(best), size)
        return np.stack([self._training, highest, covered, shifts.steps[down], shifts.steps[across]], axis=1)

    def _alike(self, picture: _Picture, shifts: "_Shifts") -> NDArray[np.float32]:
        """Correlation by training picture and shift; -1 where they overlap too little."""
        spectra, squares = picture.covering(shifts.size)
        products = shifts.back(np.einsum("mdyx,dyx->myx", self._spectra, spectra))
        energy = shifts.back(_box(self._side, self._side) * squares) * self._energy(shifts)
        alike = products / np.sqrt(np.maximum(energy, np.float32(1e-6))) * shifts.worth
        return np.where(shifts.enough, alike, np.float32(-1))

    def _energy(self, shifts: "_Shifts") -> NDArray[np.float32]:
        """Of the training pictures under the picture."""
        if shifts.size not in self._energies:
            box = _box(shifts.size, self._side).conj()
            self._energies[shifts.size] = shifts.back(self._squares * box)
        return self._energies[shifts.size]


@dataclass(frozen=True, slots=True, eq=False)
class _Shifts:
    """How a picture that covers `size` cells may lie on one of `side`: `steps` down and, the same, across."""

    side: int
    size: int
    steps: NDArray[np.intp]
    enough: NDArray[np.bool_]  # (steps, steps): overlap suffices
    worth: NDArray[np.float32]  # (steps, steps): what overlap makes of a match

    def back(self, spectra: Spectra) -> NDArray[np.float32]:
        """The transforms back, where the picture may lie: (..., steps, steps)."""
        length = _length(self.side)
        planes = np.fft.irfft2(spectra, (length, length)).astype(np.float32, copy=False)
        return planes[..., self.steps[:, None] % length, self.steps % length]


@cache
def _shifts(side: int, size: int) -> _Shifts:
    out = round(side * _REACH)
    steps = np.arange(min(0, side - size) - out, max(0, side - size) + out + 1)
    along = np.minimum(steps + size, side) - np.maximum(steps, 0)
    overlap = np.outer(along, along) / max(side, size) ** 2
    return _Shifts(side, size, steps, overlap >= _OVERLAP, (overlap**_DISCOUNT).astype(np.float32))


def _length(side: int) -> int:
    """Of the transforms: no shift wraps around, and a product of small primes."""
    return side * 21 // 16  # 63 for 48, 21 for 16


def _spectra(planes: NDArray[np.float32], side: int) -> Spectra:
    length = _length(side)
    return np.fft.rfft2(planes, (length, length)).astype(np.complex64, copy=False)


@cache
def _box(size: int, side: int) -> Spectra:
    return _spectra(np.ones((size, size), np.float32), side)


def _pooled(maps: Maps) -> Maps:
    n, side, _, directions = maps.shape
    cells = side // _POOL
    return maps.reshape(n, cells, _POOL, cells, _POOL, directions).mean(axis=(2, 4))


@cache
def _weights(old: int, new: int) -> NDArray[np.float32]:
    """Bilinear resizing, whole on whole: (new, old)."""
    at = ((np.arange(new) + 0.5) * old / new - 0.5).clip(0, old - 1)
    return np.maximum(0, 1 - np.abs(at[:, None] - np.arange(old))).astype(np.float32)
