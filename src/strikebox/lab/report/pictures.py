"""Pictures inside the page, as data URLs.

Pictures that are looked at beside each other have one form, so that none looks worse for its place: as they
are while the page stays light, and compressed where they are too many for that.
"""

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from PIL import Image

from strikebox import files, png
from strikebox.generation.backend import Pixels
from strikebox.lab import picture_file

MOST_BYTES = 150_000  # of a picture as it is; a larger one is shown smaller, so that the page can be sent
MOST_TOGETHER = 20_000_000  # characters of all pictures in the page, which a phone opens with 4 MB of text

_SAMPLED = 32  # pictures that stand for all
_SURE = 0.9  # share of the room that a sample may promise to fill


@dataclass(frozen=True, slots=True)
class Form:
    """How pictures are shown."""

    side: int  # px, the longer at most
    quality: int  # of WebP, 0 to 100
    exact: int = 0  # bytes up to which a PNG is shown as it is


AS_IS = Form(side=640, quality=88, exact=MOST_BYTES)
_FORMS = (AS_IS, *(Form(*one) for one in product((640, 448, 320, 224, 160, 112, 80, 56), (88, 80, 70))))


def fitting(paths: Sequence[Path], most: int = MOST_TOGETHER) -> Form:
    """The best form in which the pictures at `paths` together take at most `most` characters.

    Where they are too many for any, the smallest. Raises StoreError where one is missing or no PNG.
    """
    sample = sorted(paths)[:_SAMPLED]  # named by their hashes, so the first are as good as drawn

    def fits(form: Form) -> bool:
        taken = sum(len(data_url(path, form)) for path in sample) * len(paths) / max(1, len(sample))
        return taken <= (most if len(sample) == len(paths) else _SURE * most)

    return next((form for form in _FORMS if fits(form)), _FORMS[-1])


def data_url(path: Path, form: Form = AS_IS) -> str:
    """The picture at `path` in a form. Raises StoreError where it is missing or no PNG."""
    content = files.read(path)
    pixels = png.decode(content).pixels
    if len(content) <= form.exact:
        return _url("image/png", content)
    shown = Image.fromarray(pixels)
    shown.thumbnail((form.side, form.side), Image.Resampling.LANCZOS)
    return pixels_url(np.asarray(shown), form.quality)


def small_url(path: Path, side: int) -> str:
    """The picture at `path`, of any kind that datasets hold, as a WebP whose longer side is at most `side`.

    Raises DatasetError where it cannot be read.
    """
    return pixels_url(picture_file.pixels(path, side))


def pixels_url(pixels: Pixels, quality: int = AS_IS.quality) -> str:
    """The picture as a WebP."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=quality)
    return _url("image/webp", buffer.getvalue())


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
