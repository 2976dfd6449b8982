"""Sums of products over pairs of vectors, by the squares of the sums of groups: no pair is ever formed."""

from dataclasses import dataclass, replace
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array  # pyright: ignore[reportMissingTypeStubs]

from strikebox.metrics.permutation import Labels, Order

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Groups:
    """Vectors in groups."""

    members: Order  # (n,) places of vectors, group by group
    starts: Order  # (groups + 1,) of each group in `members`, and the end of the last

    @classmethod
    def of(cls, group_of: Order) -> Self:
        """By the number of each one's group (n,), from 0 on."""
        counts = np.bincount(group_of)
        return cls(np.argsort(group_of, kind="stable"), np.concatenate([[0], np.cumsum(counts)]))

    def moved(self, places: Order) -> Self:
        """The same groups with another vector in the place of each."""
        return replace(self, members=places[self.members])

    def sums(self, vectors: Matrix) -> Matrix:
        """Of `vectors` (n, dim) in each group: (groups, dim)."""
        shape = (len(self.starts) - 1, len(vectors))
        member_of = cast(Any, csr_array((np.ones(len(vectors)), self.members, self.starts), shape=shape))
        return member_of @ vectors

    def within(self, vectors: Matrix) -> float:
        """Sum of products over all pairs within a group: the square of the sum."""
        return float(np.square(self.sums(vectors)).sum())


def numbers(labels: Labels) -> Order:
    """From 0 on, equal ones for equal labels."""
    return np.unique(labels, return_inverse=True)[1]


def both(one: Order, other: Order) -> Order:
    """Numbers for pairs of labels."""
    return numbers(one * (int(other.max()) + 1) + other)


def spanned(vectors: Matrix) -> Matrix:
    """Vectors that are fewer than their dimensions, in the dimensions that they span: all products stay."""
    fewer = len(vectors) < vectors.shape[1]
    return np.linalg.qr(vectors.transpose()).R.transpose() if fewer else vectors
