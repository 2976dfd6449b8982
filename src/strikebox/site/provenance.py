"""What a published picture carries: an invisible mark, our PNG chunks, and a signed C2PA manifest.

In this order, since each would undo the ones after it: enlarge, mark, encode, sign.
"""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast, final

import numpy as np
from PIL import Image, PngImagePlugin

from strikebox import png
from strikebox.errors import ProvenanceError
from strikebox.generation.backend import Pixels
from strikebox.site import certificate, watermark
from strikebox.site.content_credentials import Signer

_MARKED = "c2pa.watermarked.unbound"
_ENLARGED = "c2pa.resized"


@final
@dataclass(frozen=True, slots=True)
class Seal:
    """Makes pictures ready to be published. For one thread."""

    signer: Signer
    marks: bool  # whether the invisible mark is set

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        site: str,
        chain: Path | None = None,
        key: Path | None = None,
        marks: bool = True,
    ) -> Self:
        """Signs with `chain` and `key`, or without them with what this installation keeps in `folder`.

        `site` is the name in a certificate that is made. Raises ProvenanceError, StoreError.
        """
        if chain is not None and key is not None:
            return cls(Signer(certificate.read(chain, key)), marks)
        if chain is not None or key is not None:
            raise ProvenanceError(
                "a certificate needs its key: set provenance.certificate and provenance.key"
            )
        return cls(Signer(certificate.own(folder, site)), marks)

    def __call__(self, file: bytes, name: str) -> bytes:
        """The PNG `file`, as `png.encode` writes it, marked as the picture `name` and signed.

        One that is larger than its own chunk says was enlarged, and the manifest says so. Raises
        ProvenanceError where it cannot be marked or signed, StoreError where it is no PNG.
        """
        picture = png.decode(file)
        if not self.marks:
            return self.signer.sign(file, title=name, actions=_enlarged(picture))
        marked = _encoded(watermark.embed(picture.pixels, watermark.number_of(name)), picture)
        return self.signer.sign(marked, title=name, actions=(*_enlarged(picture), _MARKED))


def _encoded(pixels: Pixels, like: png.Picture) -> bytes:
    """A PNG of `pixels` with the text of `like`."""
    text = PngImagePlugin.PngInfo()
    if like.parameters is not None:
        text.add_itxt("parameters", like.parameters)
    if like.strikebox is not None:
        text.add_itxt("strikebox", json.dumps(like.strikebox, ensure_ascii=False))
    buffer = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, "PNG", pnginfo=text)
    return buffer.getvalue()


def _enlarged(picture: png.Picture) -> tuple[str, ...]:
    size = (picture.strikebox or {}).get("size")
    made = cast("dict[str, object]", size).get("width") if isinstance(size, dict) else None
    return (_ENLARGED,) if isinstance(made, int) and picture.pixels.shape[1] > made else ()
