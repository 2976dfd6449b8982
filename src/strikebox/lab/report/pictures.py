"""Pictures inside the page, as data URLs."""

import base64
import io
from pathlib import Path

import numpy as np
from PIL import Image

from strikebox import files, png
from strikebox.generation.backend import Pixels
from strikebox.lab import picture_file

MOST_BYTES = 150_000  # of a picture as it is; a larger one is shown smaller, so that the page can be sent
_SHOWN_SIDE = 640


def data_url(path: Path) -> str:
    """The picture at `path` as it is, or, where it is large, a smaller WebP of it.

    Raises StoreError where it is missing or no PNG.
    """
    content = files.read(path)
    if len(content) <= MOST_BYTES:
        png.decode(content)
        return _url("image/png", content)
    shown = Image.fromarray(png.decode(content).pixels)
    shown.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE), Image.Resampling.LANCZOS)
    return pixels_url(np.asarray(shown))


def small_url(path: Path, side: int) -> str:
    """The picture at `path`, of any kind that datasets hold, as a WebP whose longer side is at most `side`.

    Raises DatasetError where it cannot be read.
    """
    return pixels_url(picture_file.pixels(path, side))


def pixels_url(pixels: Pixels) -> str:
    """The picture as a WebP."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", quality=88)
    return _url("image/webp", buffer.getvalue())


def _url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
