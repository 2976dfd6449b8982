"""What a file proves about its origin, and what it does not, in plain sentences."""

import io
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, cast

import numpy as np
from PIL import Image, UnidentifiedImageError

from strikebox import png
from strikebox.errors import ProvenanceError, StoreError
from strikebox.site import content_credentials, watermark
from strikebox.site.content_credentials import Claim
from strikebox.site.watermark import Mark

_FORMATS = ("PNG", "JPEG", "WEBP")
_MOST_PIXELS = 80_000_000

Outcome = Literal["yes", "no", "absent"]
"""Whether a trace is there and holds; is there and does not hold; or is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """One kind of evidence."""

    name: Literal["content credentials", "watermark", "chunks"]
    outcome: Outcome
    found: str  # what is there
    proves: str  # what follows from it, and what does not


def verify(file: bytes, *, roots: str | None = None, name: str | None = None) -> tuple[Trace, ...]:
    """Every trace that we know of, in a PNG, JPEG or WebP file.

    `roots`: PEM certificates that are trusted. `name`: of the picture that it is said to be; the watermark is
    compared with it. Raises ProvenanceError where the file is no picture that can be read.
    """
    try:
        with _opened(file) as image:
            if image.width * image.height > _MOST_PIXELS:
                raise ProvenanceError(f"is {image.width} x {image.height} px; make it smaller")
            kind, pixels = image.format, np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError):
        raise ProvenanceError("is no PNG, JPEG or WebP picture that can be read; give another file") from None
    return (
        _credentials(file, roots),
        _mark(watermark.read(pixels), name),
        _chunks(file if kind == "PNG" else None),
    )


def _opened(file: bytes) -> Image.Image:
    """Without a warning of Pillow's: how many pixels are too many is said by `verify`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)
        return Image.open(io.BytesIO(file), formats=_FORMATS)


def _credentials(file: bytes, roots: str | None) -> Trace:
    try:
        claim = content_credentials.read(file, roots)
    except ProvenanceError as error:
        return Trace(name="content credentials", outcome="no", found=str(error), proves="Nothing.")
    if claim is None:
        return Trace(
            name="content credentials",
            outcome="absent",
            found="There is no C2PA manifest.",
            proves="Nothing: saving a picture anew or sending it through most sites removes it.",
        )
    return Trace(
        name="content credentials",
        outcome="no" if claim.validity == "changed" else "yes",
        found=_claimed(claim),
        proves=_PROVES[claim.validity],
    )


def _claimed(claim: Claim) -> str:
    made = "a trained model made the picture" if claim.generated else "nothing of how the picture was made"
    signer, program = claim.signer or "somebody without a name", claim.generator or "an unnamed program"
    trouble = f" Wrong: {', '.join(claim.problems)}." if claim.problems else ""
    return f"A C2PA manifest by {program}, signed as {signer!r}, says: {made}.{trouble}"


_PROVES = {
    "changed": "That the file is not what was signed: it was changed afterwards, or the manifest was taken "
    "from another file. Believe nothing of it.",
    "untrusted": "That the file was not changed since it was signed. Not who signed it: anybody can make "
    "such a certificate and write any name in it. With a site's certificate, one knows whether it was that "
    "site.",
    "trusted": "That the holder of a certificate you trust signed this file, and that it was not changed "
    "since. Not that what it says is true.",
}


def _mark(mark: Mark | None, name: str | None) -> Trace:
    if mark is None:
        return Trace(
            name="watermark",
            outcome="absent",
            found="No watermark of Strikebox can be read.",
            proves="Nothing: cropping, turning or strong compression removes it, and so does who wants to.",
        )
    found = f"The watermark says {mark.number:08x}" + (
        f", {mark.corrected} of {watermark.BITS} bits mended." if mark.corrected else "."
    )
    proves = (
        "That the pixels come from a Strikebox picture, or that somebody wants it to look so: the pattern is "
        "public. It is read by chance in fewer than one in a million pictures."
    )
    if name is None:
        return Trace(name="watermark", outcome="yes", found=found, proves=proves)
    same = mark.number == watermark.number_of(name)
    return Trace(
        name="watermark",
        outcome="yes" if same else "no",
        found=f"{found} It is {'that' if same else 'not that'} of picture {name}.",
        proves=proves,
    )


def _chunks(file: bytes | None) -> Trace:
    try:
        content = None if file is None else png.decode(file).strikebox
    except StoreError:
        return Trace(
            name="chunks",
            outcome="no",
            found="The chunks cannot be read: they are broken.",
            proves="Nothing.",
        )
    if content is None:
        return Trace(
            name="chunks",
            outcome="absent",
            found="There is no chunk of Strikebox.",
            proves="Nothing: any program that saves a picture anew may drop it.",
        )
    return Trace(
        name="chunks",
        outcome="yes",
        found=f"The chunk says: {_said(content)}.",
        proves="Nothing by itself, since anybody can write such a text; with content credentials that hold, "
        "that it stood there when the file was signed. Make the picture again from it and compare.",
    )


def _said(content: Mapping[str, object]) -> str:
    recipe = content.get("recipe")
    name = cast("dict[str, object]", recipe).get("name") if isinstance(recipe, dict) else None
    return f"{content.get('subject')!r} by the recipe {name!r}, seed {content.get('seed')}"
