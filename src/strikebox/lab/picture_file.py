"""One picture file of unknown origin: what it is, and its pixels when they are wanted."""

import hashlib
import warnings
from collections.abc import Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import ExifTags, Image, ImageOps

from strikebox.errors import DatasetError
from strikebox.generation.backend import Pixels

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff"})
MOST_PIXELS = 80_000_000

_FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")  # Pillow knows others that start programs
_TURNED = frozenset({5, 6, 7, 8})  # orientations that swap width and height
_DEEP = frozenset({"I", "I;16", "I;16B", "I;16L", "I;16N"})  # grey of 16 bits


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What a file is."""

    sha256: str  # of the file, hex
    width: int  # as it is shown, turned as its EXIF says
    height: int
    notes: tuple[str, ...]  # how it is read where that may surprise


def inspect(path: Path) -> Facts:
    """Decode the picture at `path` once, to know that it can be. Raises DatasetError that says why not."""
    with _plain_errors(), path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    with _opened(path) as image:
        notes, (width, height) = _notes(image), image.size
        image.draft(None, (1, 1))  # reads a JPEG to its end without working it out
        image.load()
        _in_colour(image.crop((0, 0, 1, 1)))  # raises where the kind of pixels has no colours
        if _orientation(image) in _TURNED:
            width, height = height, width
    return Facts(sha256=sha256, width=width, height=height, notes=notes)


def pixels(path: Path, most_side: int) -> Pixels:
    """The picture at `path`, uint8 (height, width, 3) in sRGB, its longer side at most `most_side`.

    Turned as its EXIF says, on white where it is transparent, of an animation the first frame.
    Raises DatasetError where it cannot be read (any more).
    """
    with _opened(path) as image:
        image.draft(None, (2 * most_side, 2 * most_side))
        image.load()
        with suppress(Exception):  # EXIF that cannot be read turns nothing
            ImageOps.exif_transpose(image, in_place=True)
        plain = _in_colour(image)
        plain.thumbnail((most_side, most_side), Image.Resampling.LANCZOS)
        return np.array(_on_white(plain))


@contextmanager
def _opened(path: Path) -> Generator[Image.Image]:
    """The picture, not yet decoded; whatever goes wrong until it is closed is a DatasetError."""
    with _plain_errors(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of sizes, which are checked here, and of odd metadata
        with Image.open(path, formats=_FORMATS) as image:
            if image.width * image.height > MOST_PIXELS:
                raise DatasetError(f"is {image.width} x {image.height} px; {_AT_MOST}")
            yield image


_AT_MOST = f"at most {MOST_PIXELS // 1_000_000} megapixels are read, make it smaller"


@contextmanager
def _plain_errors() -> Generator[None]:
    try:
        yield
    except DatasetError:
        raise
    except Image.DecompressionBombError:
        raise DatasetError(f"is too large; {_AT_MOST}") from None
    except Image.UnidentifiedImageError:
        raise DatasetError("is no picture that can be read: its content is of no known kind") from None
    except Exception as error:  # decoders raise whatever broken bytes lead them to
        if isinstance(error, OSError) and error.strerror:
            raise DatasetError(f"cannot be read ({error.strerror})") from None
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise DatasetError(f"is broken ({reason}); save it anew") from None


def _notes(image: Image.Image) -> tuple[str, ...]:
    notes: list[str] = []
    if image.mode == "CMYK":
        notes.append("is CMYK; it is converted to RGB without its colour profile")
    if image.format != "MPO" and getattr(image, "is_animated", False):
        notes.append("holds more than one picture; the first one is read")
    return tuple(notes)


def _orientation(image: Image.Image) -> int:
    with suppress(Exception):
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    return 1


def _in_colour(image: Image.Image) -> Image.Image:
    """RGB, or RGBA where anything may be transparent."""
    if image.mode in _DEEP:
        # Pillow's own conversion clips at 255 instead of scaling.
        return Image.fromarray((np.clip(np.asarray(image), 0, 65535) // 257).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise DatasetError("holds floating-point values of unknown range; save it with 8 bits a channel")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    white = Image.new("RGBA", image.size, "white")
    return Image.alpha_composite(white, image).convert("RGB")
