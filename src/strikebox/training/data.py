"""A folder of captioned pictures, and what a transformer needs to know of them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch import Tensor

from strikebox.errors import StoreError
from strikebox.generation.backend import Pixels
from strikebox.klein.autoencoder import Autoencoder
from strikebox.klein.text import PromptEncoder

METADATA = "metadata.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Captioned:
    """Pictures of one size with a caption each."""

    pictures: Sequence[Pixels]
    captions: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoded:
    """The same as a transformer sees it."""

    latents: Tensor  # float32 (n, channels, height, width), clean and normalised
    text: Tensor  # (n, text tokens, text dim)


def read(folder: Path) -> Captioned:
    """The pictures that `folder`/metadata.jsonl names as `file_name`, with `text` as caption.

    Raises StoreError where the list or a picture is missing or malformed.
    """
    rows = _rows(folder / METADATA)
    if not rows:
        raise StoreError(f"{folder / METADATA} names no picture")
    return Captioned(
        pictures=[_picture(folder / row["file_name"]) for row in rows], captions=[row["text"] for row in rows]
    )


@torch.no_grad()
def encode(data: Captioned, autoencoder: Autoencoder, text: PromptEncoder, *, batch: int = 32) -> Encoded:
    """Every picture and caption once. The pictures must have a size that the model can make."""
    parts = [data.pictures[i : i + batch] for i in range(0, len(data.pictures), batch)]
    return Encoded(
        latents=torch.cat([autoencoder.encode(part) for part in parts]),
        text=text(list(data.captions)).clone(),  # out of inference mode, so that training may use it
    )


def _rows(path: Path) -> list[dict[str, Any]]:
    try:
        rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise StoreError(f"cannot read {path}: {error}") from error
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, dict) or not _is_captioned(row):
            raise StoreError(f"{path}: line {number} needs file_name and text")
    return rows


def _is_captioned(row: dict[str, Any]) -> bool:
    return all(isinstance(row.get(key), str) for key in ("file_name", "text"))


def _picture(path: Path) -> Pixels:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (OSError, UnidentifiedImageError) as error:
        raise StoreError(f"cannot read the picture {path}: {error}") from error
