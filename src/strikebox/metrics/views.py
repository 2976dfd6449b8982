"""Views of a picture, whole and in part, and how alike two pictures are by the best pair of their views.

Pictures of one style are alike as it is: what counts is how far the nearest training picture stands out from
all the others that a picture could have come from. So each cosine is measured in standard deviations of the
picture's own cosines with the training pictures that are not among its nearest. Blur, noise or a print screen
lower them all alike and change little: on copies of the embedded labels so treated the area under the ROC
curve rises from 0.64 to 0.91 for SSCD, and from 0.96 to 0.98 for EfficientNet.
"""

import numpy as np
from numpy.typing import NDArray

from strikebox.metrics.features import Feature
from strikebox.metrics.matches import MOST, Matches

Matrix = NDArray[np.float64]

_PART = 0.75
BOXES = ((0.0, 0.0, 1.0), *((top, left, _PART) for top in (0.0, 1 - _PART) for left in (0.0, 1 - _PART)))
"""The views: (top, left, side) in sides of the picture's central square. The whole, then four parts."""

_NEAREST = 5  # training pictures that say nothing about the others
_FEWEST_OTHERS = 8
_SOFTENED = 1e-2  # of the largest variance, added to all when whitening


def match(pictures: Feature, training: Feature, *, whiten: bool = False) -> Matches:
    """The training pictures that each of `pictures` is most alike.

    Features of copy descriptors: (n, 2, views, dim) and (m, 2, views, dim), of pictures as they are and of
    their mirror images, the views in the order of BOXES; or (n, dim) of whole pictures, and nothing mirrored.
    `whiten` lets every direction in which training pictures differ count alike. Alike is in standard
    deviations as said above, or a cosine where there are fewer than 8 other training pictures.
    """
    some, all_training = _with_views(pictures), _with_views(training)
    if whiten:
        white = _Whitening(all_training)
        some, all_training = white(some), white(all_training)
    some, all_training = _unit(some[:, 0]), _unit(all_training)
    rows = [_best(picture, all_training) for picture in some]
    cosines = np.stack([cosine for cosine, _ in rows])
    return _matches(_standing(cosines), np.stack([pair for _, pair in rows]), all_training.shape)


def _with_views(features: Feature) -> Feature:
    return features if features.ndim == 4 else features[:, None, None, :]


class _Whitening:
    """Rotates and scales features so that those of the training pictures vary alike in every direction."""

    def __init__(self, training: Feature) -> None:
        rows = training.reshape(-1, training.shape[-1]).astype(np.float64)
        self._mean = rows.mean(axis=0)
        variances, directions = np.linalg.eigh(np.cov(rows - self._mean, rowvar=False))
        softened = variances.clip(0) + _SOFTENED * max(float(variances[-1]), 1e-12)
        self._turn = directions / np.sqrt(softened)

    def __call__(self, features: Feature) -> Feature:
        return ((features - self._mean) @ self._turn).astype(np.float32)


def _unit(features: Feature) -> Feature:
    return features / np.maximum(np.linalg.norm(features, axis=-1, keepdims=True), np.float32(1e-12))


def _best(picture: Feature, training: Feature) -> tuple[Matrix, NDArray[np.intp]]:
    """The highest cosine with each training picture (m,), and that of which views (m,), as one number.

    `picture` (views, dim), `training` (m, mirrored or not, views, dim).
    """
    cosines = np.einsum("vd,mfwd->mfvw", picture, training, optimize=True).reshape(len(training), -1)
    return cosines.max(axis=1).astype(np.float64), cosines.argmax(axis=1)


def _standing(cosines: Matrix) -> Matrix:
    """Cosines (n, m) in standard deviations of those with the farther training pictures."""
    others = np.sort(cosines, axis=1)[:, : -_NEAREST or None]
    if others.shape[1] < _FEWEST_OTHERS:
        return cosines
    centre, spread = others.mean(axis=1, keepdims=True), others.std(axis=1, keepdims=True)
    return (cosines - centre) / np.maximum(spread, 1e-6)


def _matches(alike: Matrix, pairs: NDArray[np.intp], shape: tuple[int, ...]) -> Matches:
    nearest = np.argsort(-alike, axis=1, kind="stable")[:, :MOST]
    _, ways, views, _ = shape
    mirrored, own, other = np.unravel_index(np.take_along_axis(pairs, nearest, axis=1), (ways, views, views))
    boxes = np.array(BOXES)
    scale = boxes[other, 2] / boxes[own, 2]
    return Matches(
        training=nearest,
        alike=np.take_along_axis(alike, nearest, axis=1),
        mirrored=mirrored.astype(np.bool_),
        scale=scale,
        top=boxes[other, 0] - boxes[own, 0] * scale,
        left=boxes[other, 1] - boxes[own, 1] * scale,
    )
