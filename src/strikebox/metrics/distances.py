"""Distances between pictures, by their features."""

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import distance  # pyright: ignore[reportMissingTypeStubs]

from strikebox.metrics.features import Feature


def euclidean(some: Feature, others: Feature) -> NDArray[np.float64]:
    """Euclidean distances (n, m) between `some` (n, dim) and `others` (m, dim); exactly 0 between equals."""
    return np.asarray(distance.cdist(some, others), np.float64)  # pyright: ignore[reportUnknownMemberType]
