"""Views of pictures, as `metrics/views.py` numbers them, for extractors that look for copies."""

from collections.abc import Iterator, Sequence

import numpy as np
from PIL import Image

from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Extractor, Feature
from strikebox.metrics.views import BOXES


def mirrored(picture: Pixels) -> Pixels:
    """Left becomes right."""
    return np.ascontiguousarray(picture[:, ::-1])


def square(
    picture: Pixels,
    side: int,
    box: tuple[float, float, float] = BOXES[0],
    resample: Image.Resampling = Image.Resampling.BICUBIC,
) -> Pixels:
    """A view (top, left, side of the central square) as side x side: nothing is stretched."""
    height, width = picture.shape[:2]
    edge = min(height, width)
    top, left = (height - edge) / 2 + box[0] * edge, (width - edge) / 2 + box[1] * edge
    part = (left, top, left + box[2] * edge, top + box[2] * edge)
    return np.asarray(Image.fromarray(picture).resize((side, side), resample, box=part))


class Viewed:
    """Any extractor of one vector a picture as a copy descriptor: float32 (2, 5, dim).

    All views of the picture as it is, and all of its mirror image.
    """

    def __init__(self, extractor: Extractor, side: int) -> None:
        """`side` of the views in pixels: what the extractor sees best."""
        self._extractor, self._side = extractor, side

    @property
    def name(self) -> str:
        return f"{self._extractor.name}-views"

    @property
    def version(self) -> str:
        return f"{self._extractor.version}-{self._side}-1"

    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        features = self._extractor([view for picture in pictures for view in self._views(picture)])
        looked = np.stack(features).reshape(len(pictures), 2, len(BOXES), -1) if pictures else ()
        return list(looked)

    def _views(self, picture: Pixels) -> Iterator[Pixels]:
        for one in (picture, mirrored(picture)):
            yield from (square(one, self._side, box) for box in BOXES)
