"""A bank of encoded drawings: each drawing in many places, each place on two backgrounds, with captions.

The autoencoder costs more than a training step, so every picture is encoded once, before training.
Entry e is drawing `owner[e]` on background `ground[e]`; e and its partner e ^ 1 differ in the background alone.
"""

from __future__ import annotations

import random
from collections import defaultdict
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from captions import BACKGROUNDS, caption, ground_en, style_en
from diffusers import AutoencoderKLFlux2
from tokens import encode
from transformers import PreTrainedTokenizerFast
from world import Drawings, background_colours, compose, random_affine, random_backgrounds, warp

CAPTIONS = 4
"""Random captions an entry. Behind them come a plain one that names the ground, and one that names all."""

ANIMAL_WEIGHT, STENCIL_WEIGHT = 5.0, 0.4


@dataclass(frozen=True, slots=True)
class Bank:
    latents: torch.Tensor  # bfloat16 (entries, 64, 64): tokens x channels, normalised
    tokens: torch.Tensor  # int16 (entries, CAPTIONS + 2, text tokens)
    owner: torch.Tensor  # int64 (entries,)
    weight: torch.Tensor  # float32 (drawings,) how often a drawing is drawn
    places: int
    relatives: torch.Tensor  # int64 (drawings, most) drawings of the same name in other sets, -1 where none

    def of(self, drawing: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """A random entry of each drawing."""
        place = torch.randint(2 * self.places, drawing.shape, device=drawing.device, generator=generator)
        return drawing * 2 * self.places + place


@torch.no_grad()
def normalised_latents(vae: AutoencoderKLFlux2, pictures: torch.Tensor) -> torch.Tensor:
    """(n, 3, h, w) in -1..1 to what the transformer sees: (n, tokens, channels)."""
    packed = F.pixel_unshuffle(vae.encode(pictures.to(vae.dtype)).latent_dist.mode().float(), 2)
    mean, variance = vae.bn.running_mean.float(), vae.bn.running_var.float()
    normal = (packed - mean[:, None, None]) / (variance + vae.config.batch_norm_eps).sqrt()[:, None, None]
    return normal.flatten(2).transpose(1, 2)


def make_bank(
    drawings: Drawings,
    vae: AutoencoderKLFlux2,
    tokenizer: PreTrainedTokenizerFast,
    places: int,
    generator: torch.Generator,
) -> Bank:
    """Encode every drawing of `drawings` (on the generator's device) in `places` places, on two grounds in each."""
    device = generator.device
    owner = torch.arange(len(drawings), device=device).repeat_interleave(places)
    first = random_backgrounds(len(owner), generator)
    step = torch.randint(1, len(BACKGROUNDS), (len(owner),), device=device, generator=generator)
    grounds = torch.stack([first, (first + step) % len(BACKGROUNDS)], 1)
    latents = [
        _encode_places(drawings, vae, o, g, generator)
        for o, g in zip(owner.split(512), grounds.split(512), strict=True)
    ]
    return Bank(
        latents=torch.cat(latents),
        tokens=_captions(drawings, tokenizer, owner.tolist(), grounds.tolist()).to(device),
        owner=owner.repeat_interleave(2),
        weight=_weights(drawings).to(device),
        places=places,
        relatives=_relatives(drawings).to(device),
    )


def _encode_places(
    drawings: Drawings, vae: AutoencoderKLFlux2, owner: torch.Tensor, grounds: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    moved = warp(drawings.rgba[owner], random_affine(len(owner), generator, zoom=0.25, shift=0.08))
    moved, pair = moved.repeat_interleave(2, 0), grounds.flatten()
    ink_only = drawings.ink_only.to(owner.device)[owner].repeat_interleave(2)
    pictures = compose(moved, ink_only, background_colours(owner.device)[pair])
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    return normalised_latents(vae, pictures).to(torch.bfloat16)


def _captions(
    drawings: Drawings, tokenizer: PreTrainedTokenizerFast, owner: list[int], grounds: list[list[int]]
) -> torch.Tensor:
    chance = random.Random(len(owner))
    known: dict[str, int] = {}
    index = []
    for drawing, pair in zip(owner, grounds, strict=True):
        for ground in pair:
            record, name = drawings.records[drawing], BACKGROUNDS[ground].en
            texts = [caption(record["en"], record["ru"], record["set"], name, chance) for _ in range(CAPTIONS)]
            texts.append(f"{record['en']}, {ground_en(name)}")
            texts.append(f"{record['en']}, {style_en(record['set'])}, {ground_en(name)}")
            index.append([known.setdefault(text, len(known)) for text in texts])
    table = torch.tensor(encode(tokenizer, list(known)), dtype=torch.int16)
    return table[torch.tensor(index)]


def _weights(drawings: Drawings) -> torch.Tensor:
    return torch.tensor(
        [
            ANIMAL_WEIGHT if r["animal"] else STENCIL_WEIGHT if r["set"] == "game-icons" else 1.0
            for r in drawings.records
        ]
    )


def _relatives(drawings: Drawings) -> torch.Tensor:
    named: dict[str, list[int]] = defaultdict(list)
    for i, record in enumerate(drawings.records):
        named[record["animal"] or record["en"]].append(i)
    rows = []
    for record in drawings.records:
        family = named[record["animal"] or record["en"]]
        rows.append([j for j in family if drawings.records[j]["set"] != record["set"]])
    most = max(1, max(len(row) for row in rows))
    return torch.tensor([row + [-1] * (most - len(row)) for row in rows])
