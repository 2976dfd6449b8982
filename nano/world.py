"""The small world as tensors: drawings on backgrounds, labels, and what happens to them on the way to a model.

Pictures are float32 (n, 3, 128, 128) in -1..1; stored drawings are uint8 RGBA (n, 4, 128, 128).
"""

from __future__ import annotations

import io
import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from captions import BACKGROUNDS
from PIL import Image
from sets import BY_NAME

SIDE = 128
_DARK = 0.4
"""Relative luminance below which a drawing of ink alone is printed in white instead."""


@dataclass(frozen=True, slots=True)
class Drawings:
    """Drawings with their records, in one order. `rgba` uint8 (n, 4, 128, 128)."""

    records: list[dict[str, Any]]
    rgba: torch.Tensor

    def __len__(self) -> int:
        return len(self.records)

    def where(self, keep: torch.Tensor) -> Drawings:
        """Those with True in `keep` (n,)."""
        index = keep.nonzero().flatten()
        return Drawings([self.records[i] for i in index.tolist()], self.rgba[index.to(self.rgba.device)])

    def to(self, device: torch.device) -> Drawings:
        return Drawings(self.records, self.rgba.to(device))

    @property
    def held_out(self) -> torch.Tensor:
        return torch.tensor([bool(r["held_out"]) for r in self.records])

    @property
    def ink_only(self) -> torch.Tensor:
        """Drawings of a set without colours of its own (n,)."""
        return torch.tensor([not BY_NAME[r["set"]].coloured for r in self.records])


def load_drawings(data: Path, *, every: int = 1) -> Drawings:
    """All drawings of `data`/drawings.{bin,json}; `every` > 1 takes a part, for trials."""
    records = json.loads((data / "drawings.json").read_text())[::every]
    return Drawings(records, _decode((data / "drawings.bin").read_bytes(), records, "RGBA"))


def load_autoencoder_labels(data: Path, *, every: int = 1) -> tuple[list[dict[str, Any]], torch.Tensor]:
    """Labels that are neither training nor held-out labels, for the autoencoder and the judge: uint8 RGB."""
    records = json.loads((data / "vae_labels.json").read_text())[::every]
    return records, _decode((data / "vae_labels.bin").read_bytes(), records, "RGB")


def load_labels(folder: Path) -> tuple[list[dict[str, Any]], torch.Tensor]:
    """The labels of one folder with its metadata.jsonl: uint8 (n, 3, 128, 128)."""
    records = [json.loads(line) for line in (folder / "metadata.jsonl").read_text().splitlines()]
    pictures = [np.asarray(Image.open(folder / r["file_name"]).convert("RGB")) for r in records]
    return records, torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


def to_float(pictures: torch.Tensor) -> torch.Tensor:
    """uint8 to -1..1."""
    return pictures.float() / 127.5 - 1


def background_colours(device: torch.device) -> torch.Tensor:
    """(backgrounds, 3) in -1..1, in the order of `BACKGROUNDS`."""
    return torch.tensor([b.rgb for b in BACKGROUNDS], device=device).float() / 127.5 - 1


def random_backgrounds(n: int, generator: torch.Generator) -> torch.Tensor:
    """Indices into `BACKGROUNDS`: white (the first) half of the time, the others evenly."""
    device = generator.device
    others = torch.randint(1, len(BACKGROUNDS), (n,), device=device, generator=generator)
    return torch.where(torch.rand(n, device=device, generator=generator) < 0.5, 0, others)


def compose(rgba: torch.Tensor, ink_only: torch.Tensor, colours: torch.Tensor) -> torch.Tensor:
    """Drawings `rgba` uint8 (n, 4, h, w) on flat `colours` (n, 3); ink turns white where the ground is dark."""
    alpha = rgba[:, 3:].float() / 255
    picture = to_float(rgba[:, :3])
    luminance = (colours * colours.new_tensor([0.2126, 0.7152, 0.0722])).sum(1) / 2 + 0.5
    invert = (ink_only & (luminance < _DARK))[:, None, None, None]
    picture = torch.where(invert, -picture, picture)
    return picture * alpha + colours[:, :, None, None] * (1 - alpha)


def random_affine(
    n: int, generator: torch.Generator, *, zoom: float, shift: float, turn: float = 0.0, largest: float = 1.0
) -> torch.Tensor:
    """Affine grids' matrices (n, 2, 3): scale largest - zoom .. largest, shift and turn (radians) either way.

    Half are mirrored.
    """
    device = generator.device

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, device=device, generator=generator)

    scale = 1 / (largest - zoom * uniform(n))
    angle = (uniform(n) * 2 - 1) * turn
    mirror = torch.where(uniform(n) < 0.5, -1.0, 1.0)
    theta = torch.zeros(n, 2, 3, device=device)
    theta[:, 0, 0] = scale * angle.cos() * mirror
    theta[:, 0, 1] = -scale * angle.sin()
    theta[:, 1, 0] = scale * angle.sin() * mirror
    theta[:, 1, 1] = scale * angle.cos()
    theta[:, :, 2] = (uniform(n, 2) * 2 - 1) * shift
    return theta


def warp(rgba: torch.Tensor, theta: torch.Tensor) -> torch.Tensor:
    """Move uint8 drawings (n, c, h, w); what comes in from outside is transparent. Premultiplied, so no dark rims."""
    picture = rgba.float()
    alpha = picture[:, 3:] / 255
    grid = F.affine_grid(theta, [len(rgba), 4, SIDE, SIDE], align_corners=False)
    moved = F.grid_sample(torch.cat([picture[:, :3] * alpha, alpha], 1), grid, align_corners=False)
    colour = moved[:, :3] / moved[:, 3:].clamp_min(1e-3)
    return torch.cat([colour.clamp(0, 255), moved[:, 3:] * 255], 1).round().to(torch.uint8)


def _decode(blob: bytes, records: list[dict[str, Any]], mode: str) -> torch.Tensor:
    parts = [(blob[r["offset"] : r["offset"] + r["length"]], mode) for r in records]
    with ProcessPoolExecutor() as pool:
        pictures = list(pool.map(_picture, parts, chunksize=64))
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).contiguous()


def _picture(part: tuple[bytes, str]) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(part[0])).convert(part[1]))
