"""Views of pictures, as `metrics/views.py` numbers them, for extractors that look for copies."""

import numpy as np
from PIL import Image

from strikebox.generation.backend import Pixels
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
