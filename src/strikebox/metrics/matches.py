"""Which training pictures a picture resembles, how much, and where it lies on them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MOST = 8
"""Training pictures that are kept for each picture, the most alike first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """Where the central square of a picture lies on that of a training picture, mirrored first if need be.

    In sides of the training picture's square: scale 0.8 at top 0.1 and left 0.2 is the crop that begins there
    and is 0.8 wide and high. It may stick out.
    """

    mirrored: bool
    scale: float
    top: float
    left: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Matches:
    """For each of n pictures its k most alike training pictures, the most alike first."""

    training: NDArray[np.intp]  # (n, k) indices of training pictures, each once in a row
    alike: NDArray[np.float64]  # (n, k) falling along a row; only to be compared within one descriptor
    mirrored: NDArray[np.bool_]  # (n, k)
    scale: NDArray[np.float64]  # (n, k) and so on, as in `Placement`
    top: NDArray[np.float64]
    left: NDArray[np.float64]

    def placement(self, picture: int) -> Placement:
        """Of a picture on its nearest training picture."""
        return Placement(
            mirrored=bool(self.mirrored[picture, 0]),
            scale=float(self.scale[picture, 0]),
            top=float(self.top[picture, 0]),
            left=float(self.left[picture, 0]),
        )

    def margin(self, picture: int, groups: Sequence[int] | None = None) -> float | None:
        """How much less alike the next *different* training picture is.

        `groups` (m,) gives near-duplicates of the training set one number, so that a picture repeated twice
        in training is no rival to itself. None where all that are kept belong to one group.
        """
        candidates: list[int] = self.training[picture].tolist()
        names = candidates if groups is None else [groups[candidate] for candidate in candidates]
        rivals = [place for place, name in enumerate(names) if name != names[0]]
        return float(self.alike[picture, 0] - self.alike[picture, rivals[0]]) if rivals else None
