"""Numbers of an arm, one a cell, and pairs of them: what every estimate and test here starts from.

A cell is a subject under a seed. Cells of one subject resemble each other, so subjects are the clusters.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite

import numpy as np
from numpy.typing import NDArray

Cell = tuple[str, int]  # subject, seed
Values = Mapping[Cell, float | None]  # None: not measured
Flags = Mapping[Cell, bool | None]  # None: not measured
Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Values that were measured, and the subject of each."""

    values: Vector  # (n,)
    subjects: NDArray[np.int64]  # (n,), 0 to clusters - 1
    missing: int  # cells that were left out

    @property
    def size(self) -> int:
        return len(self.values)

    @property
    def clusters(self) -> int:
        """Subjects with at least one value."""
        return int(self.subjects.max()) + 1 if self.size else 0

    @property
    def sizes(self) -> Vector:
        """Cells of each subject, (clusters,)."""
        return np.bincount(self.subjects).astype(np.float64)

    def sums(self, values: Vector) -> Vector:
        """`values` (n,) added up by subject, (clusters,)."""
        return np.bincount(self.subjects, values).astype(np.float64)


def sample(values: Values | Flags) -> Sample:
    """What was measured of `values`, by subject; True counts as 1. Raises ValueError on NaN or infinity."""
    return _sample({cell: None if value is None else float(value) for cell, value in values.items()})


def pairs(arm: Values | Flags, other: Values | Flags) -> Sample:
    """Differences `arm` minus `other` on the cells that both have; the rest is missing.

    Raises ValueError on NaN or infinity.
    """
    return _sample({cell: _difference(arm.get(cell), other.get(cell)) for cell in {**arm, **other}})


def common(arm: Flags, other: Flags) -> tuple[Sample, Sample]:
    """Both arms on the cells that both have, in the same order; the rest is missing."""
    cells = list({**arm, **other})
    both = [cell for cell in cells if arm.get(cell) is not None and other.get(cell) is not None]
    left, right = (sample({cell: flags[cell] for cell in both}) for flags in (arm, other))
    missing = len(cells) - len(both)
    return Sample(left.values, left.subjects, missing), Sample(right.values, right.subjects, missing)


def _difference(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else float(value) - float(other)


def _sample(values: Values) -> Sample:
    there = [(cell, value) for cell, value in values.items() if value is not None]
    for (subject, seed), value in there:
        if not isfinite(value):
            raise ValueError(f"{subject}, seed {seed}: is {value}; what was not measured is None")
    number = {subject: i for i, subject in enumerate(dict.fromkeys(subject for (subject, _), _ in there))}
    return Sample(
        np.array([value for _, value in there], dtype=np.float64),
        np.array([number[subject] for (subject, _), _ in there], dtype=np.int64),
        len(values) - len(there),
    )
