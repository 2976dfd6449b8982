"""What attention over 8-bit floats does to the 75 pictures: emulated, on any machine, nothing else in 8 bits.

    python benchmarks/eight_attention.py --runs runs/eight-attention

Queries, keys, values, probabilities and the mean are rounded as cuDNN keeps them; sums are float32. It writes
benchmarks/results/eight-attention.json. Two cores take ten minutes.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from diffusers.models.transformers import transformer_flux2
from tiers import look
from torch import Tensor

from strikebox import api
from strikebox.klein.backend import KleinBackend
from strikebox.klein.speed.options import Options
from strikebox.klein.speed.products import EIGHT, LEAST, MOST
from strikebox.klein.speed.tiers import Switches
from strikebox.lab import design as designs
from strikebox.lab import run as runs

_PROBABILITIES = 256.0  # probabilities are kept as multiples


def rounded(values: Tensor) -> Tensor:
    return values.clamp(-MOST, MOST).to(EIGHT).float()


def attend(query: Tensor, key: Tensor, value: Tensor, **_: Any) -> Tensor:
    """In place of diffusers' attention: (rows, tokens, heads, head size)."""
    queries, keys, values = (tensor.float().transpose(1, 2) for tensor in (query, key, value))
    steps = (values.abs().amax(dim=(2, 3), keepdim=True) / MOST).clamp(min=LEAST)
    scores = rounded(queries) @ rounded(keys).transpose(-1, -2) * queries.shape[-1] ** -0.5
    probabilities = rounded(torch.softmax(scores, dim=-1) * _PROBABILITIES) / _PROBABILITIES
    return (rounded(probabilities @ rounded(values / steps)) * steps).transpose(1, 2).to(query.dtype)


def make(folder: Path) -> None:
    lora = api.embedded("lora/pytorch_lora_weights.safetensors")
    options = Options(switches=Switches(once=True))
    backend = KleinBackend.load(
        api.embedded("klein-nano"), lora, device="cpu", dtype="float32", options=options
    )
    runs.ablate(designs.load("seed"), backend, folder / "plain")
    with mock.patch.object(transformer_flux2, "dispatch_attention_fn", attend):
        runs.ablate(designs.load("seed"), backend, folder / "eight", settings={"attention": "eight"})


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, default=Path("runs/eight-attention"))
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/eight-attention.json"))
    args = parser.parse_args()
    make(args.runs)
    args.out.write_text(json.dumps(look(args.runs, ("plain", "eight")), indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
