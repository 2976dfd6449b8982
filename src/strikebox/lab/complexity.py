"""How complex a style is, and whether a number of pictures suffices to show it.

Features vary around their mean in many directions, most of them little. Their effective number is

    V = tr(C)^2 / tr(C^2)            C: the covariance of features

1 if all pictures lie on a line, d if they spread evenly in d dimensions: the order-2 Vendi score of a set
without end, whose reciprocal is the mean squared cosine of two pictures. The covariance S of n pictures is
then off by, for Gaussian features and in the Frobenius norm,

    E |S - C|^2 / |C|^2 = (1 + V) / n

so n = 1 + V pictures show no more than themselves, and four times as many halve the error.
"""

from math import sqrt

import numpy as np
from numpy.typing import NDArray

LEAST = 4  # pictures, for three angles that do not follow from one another


def variety(features: NDArray[np.float32]) -> float:
    """V of `features` (pictures, ...), each picture's deviation from the mean scaled to length 1.

    Pairs of different pictures alone are counted, so that V does not grow with their number. Raises
    ValueError where fewer than LEAST pictures differ from the mean.
    """
    flat = features.reshape(len(features), -1).astype(np.float64)
    centred = flat - flat.mean(axis=0)
    lengths = np.linalg.norm(centred, axis=1)
    directions = centred[lengths > 0] / lengths[lengths > 0, None]
    n = len(directions)
    if n < LEAST:
        raise ValueError(f"{n} different pictures say nothing about variety; give at least {LEAST}")
    cosines = directions @ directions.T
    return float(n * (n - 1) / (np.square(cosines).sum() - n))


def error(pictures: int, variety: float) -> float:
    """Relative error of the covariance that `pictures` of a style of that variety show."""
    return sqrt((1 + variety) / pictures)


def pictures_for(error: float, variety: float) -> int:
    """How many pictures bring the error down to `error`."""
    return int(np.ceil((1 + variety) / error**2))
