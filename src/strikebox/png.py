"""PNG files that say where they come from.

Two text chunks: `parameters`, as AUTOMATIC1111's web UI writes it and other tools read it, and `strikebox`,
our own JSON, which holds everything needed to make the picture again. Neither holds a time, so that equal
pictures with equal histories are equal bytes.
"""

import io
import json
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import cast

import numpy as np
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin, UnidentifiedImageError

from strikebox import recipe as recipes
from strikebox.errors import StoreError
from strikebox.recipe import ImageToImage, Pass, Recipe, Strength

Pixels = NDArray[np.uint8]  # (height, width, 3), sRGB

_WAY: dict[str, int] = {"compress_level": 3, "compress_type": zlib.Z_RLE}
"""Painted pictures repeat nothing but runs: to look for more is slower, and makes their files larger."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """How a picture came to be."""

    recipe: Recipe
    subject: str
    prompts: tuple[str, ...]  # one a pass
    seed: int
    model_name: str
    model_hash: str
    lora_name: str | None
    lora_hash: str | None
    forwards: int  # of the picture alone, as if nothing had been shared
    flops: int


@dataclass(frozen=True, slots=True)
class Picture:
    """A PNG as read: pixels and what its text chunks say; None where they are missing."""

    pixels: Pixels
    strikebox: Mapping[str, object] | None
    parameters: str | None


def encode(pixels: Pixels, provenance: Provenance) -> bytes:
    """The PNG file of `pixels`; equal arguments give equal bytes."""
    text = PngImagePlugin.PngInfo()
    height, width = pixels.shape[:2]
    text.add_text("parameters", parameters(provenance, width, height))
    text.add_itxt("strikebox", json.dumps(_content(provenance, width, height), ensure_ascii=False))
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", pnginfo=text, **_WAY)
    return buffer.getvalue()


def decode(png: bytes) -> Picture:
    """The picture in a PNG file. Raises StoreError where it is none."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as image:
            pixels = np.asarray(image.convert("RGB"))
            text = cast(dict[str, str], image.info)
        return Picture(pixels, _said(text.get("strikebox")), text.get("parameters"))
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, RecursionError) as error:
        raise StoreError(f"not a readable PNG ({error}); delete it and run again") from None


def _said(text: str | None) -> Mapping[str, object] | None:
    """What our chunk says. Raises ValueError or RecursionError where it is no object."""
    if text is None:
        return None
    said: object = json.loads(text)
    if not isinstance(said, dict):
        raise ValueError("the chunk strikebox is no object")
    return cast(dict[str, object], said)


def bare(file: bytes) -> bytes:
    """The PNG `file` without its text and manifest: pixels alone. Raises StoreError where it is no PNG."""
    buffer = io.BytesIO()
    Image.fromarray(decode(file).pixels).save(buffer, "PNG")
    return buffer.getvalue()


def parameters(provenance: Provenance, width: int, height: int) -> str:
    """The text that AUTOMATIC1111's web UI keeps with a picture; it knows one pass, so this is the last."""
    last, prompt = provenance.recipe.passes[-1], provenance.prompts[-1]
    if last.lora is not None and provenance.lora_name is not None:
        prompt += f" <lora:{provenance.lora_name}:{last.lora.scale:g}>"
    settings = _settings(provenance, last, width, height)
    return f"{prompt}\n" + ", ".join(f"{key}: {_quoted(value)}" for key, value in settings)


def _settings(provenance: Provenance, last: Pass, width: int, height: int) -> Iterator[tuple[str, str]]:
    yield "Steps", str(last.steps)
    yield "Sampler", "Euler"
    yield "CFG scale", str(float(last.guidance))
    yield "Seed", str(provenance.seed)
    yield "Size", f"{width}x{height}"
    yield "Model hash", provenance.model_hash[:10]
    yield "Model", provenance.model_name
    if isinstance(last, ImageToImage) and isinstance(last.start, Strength):
        yield "Denoising strength", str(last.start.value)
    if provenance.recipe.uses_lora and provenance.lora_name and provenance.lora_hash:
        yield "Lora hashes", f"{provenance.lora_name}: {provenance.lora_hash[:12]}"
    yield "Recipe", provenance.recipe.name
    yield "Version", f"strikebox {program_version()}"


def _quoted(value: str) -> str:
    return json.dumps(value, ensure_ascii=False) if any(c in value for c in ",:\n") else value


def _content(provenance: Provenance, width: int, height: int) -> dict[str, object]:
    recipe = provenance.recipe
    scales = [None if p.lora is None else p.lora.scale for p in recipe.passes]
    lora = {"name": provenance.lora_name, "hash": provenance.lora_hash, "scales": scales}
    return {
        "version": program_version(),
        "recipe": {"name": recipe.name, "hash": recipe.hash, "toml": recipes.dumps(recipe)},
        "subject": provenance.subject,
        "prompts": provenance.prompts,
        "seed": provenance.seed,
        "size": {"width": width, "height": height},
        "model": {"name": provenance.model_name, "hash": provenance.model_hash},
        "lora": lora if recipe.uses_lora else None,
        "cost": {"forwards": provenance.forwards, "flops": provenance.flops},
    }


def program_version() -> str:
    """Of this package."""
    try:
        return version("strikebox")
    except PackageNotFoundError:  # run from the source tree
        return "unknown"
