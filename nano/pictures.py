"""Random batches for the judge: drawings bent out of shape or printed like labels, labels, and textures.

What is done to a picture leaves its subject to be told: widths of lines, colours, blur, grain, holes and pieces of
other pictures change, shapes hardly do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from animals import RUSSIAN
from bending import bend, outline, thicken
from captions import BACKGROUNDS
from dice import Dice
from restyle import restyle
from sets import BY_NAME
from tokens import encode
from training import device
from transformers import PreTrainedTokenizerFast
from world import Drawings, background_colours, compose, random_affine, to_float

NOISE = "texture noise"
"""What a picture without a subject is called."""

ANIMAL_SHARE, LABEL_SHARE, NOISE_SHARE = 0.4, 0.2, 0.04
RESTYLED, MIXED = 0.4, 0.25
"""Shares of the drawings that are printed like labels, and of all pictures that get a piece of another one."""
CLIPART = 0.5
"""How often a piece of clip art is shown, compared with a drawing of the ten sets."""


@dataclass(frozen=True, slots=True)
class Names:
    """Every subject once, with its tokens in English and Russian (English where Russian has none)."""

    index: dict[str, int]
    tokens: torch.Tensor  # int64 (names, 2, text tokens)

    @classmethod
    def of(cls, drawings: Drawings, labels: list[dict], tokenizer: PreTrainedTokenizerFast) -> Names:
        russian: dict[str, str] = {NOISE: "шум"}
        for record in drawings.records:
            name = subject(record)
            russian[name] = RUSSIAN.get(name) or record["ru"] or name
        for record in labels:
            russian.setdefault(record["subject"], record["subject"])
        names = list(russian)
        pairs = [encode(tokenizer, names), encode(tokenizer, [russian[n] for n in names])]
        return cls({n: i for i, n in enumerate(names)}, torch.tensor(pairs, device=device()).transpose(0, 1))


def subject(record: dict) -> str:
    return record["animal"] or record["en"]


def ink_only(records: Sequence[dict]) -> torch.Tensor:
    """Drawings without colours of their own, clip art included (n,)."""
    return torch.tensor(
        [r.get("ink_only", r["set"] in BY_NAME and not BY_NAME[r["set"]].coloured) for r in records]
    )


@dataclass(frozen=True, slots=True)
class Batch:
    """Pictures (n, 3, 128, 128), each with one name, or with two where it is a mixture of two pictures."""

    picture: torch.Tensor
    name: torch.Tensor
    other: torch.Tensor
    share: torch.Tensor
    """How much of the picture belongs to `name`, 0 to 1 (n,)."""


class Pictures:
    """Random batches of pictures with the index of their name."""

    def __init__(
        self, drawings: Drawings, labels: list[dict], pixels: torch.Tensor, names: Names, random
    ) -> None:
        self.drawings, self.random, self.dice = drawings.to(device()), random, Dice(random)
        self.labels = pixels.to(device())
        self.ink_only = ink_only(drawings.records).to(device())
        self.name = torch.tensor([names.index[subject(r)] for r in drawings.records], device=device())
        self.label_name = torch.tensor([names.index[r["subject"]] for r in labels], device=device())
        self.animals = (
            torch.tensor([bool(r["animal"]) for r in drawings.records]).nonzero().flatten().to(device())
        )
        clipart = torch.tensor([r["set"] not in BY_NAME for r in drawings.records], device=device())[
            self.animals
        ]
        self.rarity = self.name.bincount()[self.name[self.animals]].float().rsqrt()
        self.rarity = self.rarity * torch.where(clipart, CLIPART, 1.0)
        self.noise = names.index[NOISE]

    def batch(self, size: int, mixed: float = MIXED) -> Batch:
        animals, labels = round(size * ANIMAL_SHARE), round(size * LABEL_SHARE)
        some = self.animals[torch.multinomial(self.rarity, animals, replacement=True, generator=self.random)]
        any_drawing = self._pick(len(self.drawings), size - animals - labels)
        label = self._pick(len(self.labels), labels)
        drawn = torch.cat([some, any_drawing])
        picture = torch.cat([self._drawn(drawn), self._label(label)])
        name = torch.cat([self.name[drawn], self.label_name[label]])
        picture, name = self._scrambled(picture, name)
        return self._mixed(augment(picture, self.random), name, mixed)

    def _pick(self, among: int, n: int) -> torch.Tensor:
        return torch.randint(among, (n,), device=device(), generator=self.random)

    def _drawn(self, index: torch.Tensor) -> torch.Tensor:
        n, order = len(index), self.dice.order(len(index))
        printed, plain = order[: round(n * RESTYLED)], order[round(n * RESTYLED) :]
        rgba = self.drawings.rgba
        picture = torch.empty(n, 3, *rgba.shape[2:], device=device())
        picture[printed] = restyle(bend(rgba[index[printed]], self.random, zoom=0.3), self.random)
        picture[plain] = self._plain(index[plain])
        return picture

    def _plain(self, index: torch.Tensor) -> torch.Tensor:
        n = len(index)
        bent = bend(self.drawings.rgba[index], self.random)
        named = background_colours(device())[self._pick(len(BACKGROUNDS), n)]
        ground = torch.where(self.dice(n, 1) < 0.6, named, self.dice(n, 3, low=-1))
        return compose(bent, self.ink_only[index], ground)

    def _label(self, index: torch.Tensor) -> torch.Tensor:
        theta = random_affine(len(index), self.random, zoom=0.15, shift=0.15, turn=0.1)
        grid = F.affine_grid(theta, [len(index), 3, 128, 128], align_corners=False)
        return F.grid_sample(to_float(self.labels[index]), grid, align_corners=False, padding_mode="border")

    def _scrambled(self, picture: torch.Tensor, name: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A few pictures cut into tiles and shuffled: colours without a subject."""
        n = round(len(picture) * NOISE_SHARE)
        index = self._pick(len(picture), n)
        tiles = F.unfold(picture[index], 16, stride=16)
        order = self.dice.order(n, 1, tiles.shape[2])
        mixed = F.fold(tiles.gather(2, order.expand_as(tiles)), 128, 16, stride=16)
        picture[index], name[index] = mixed, self.noise
        return picture, name

    def _mixed(self, picture: torch.Tensor, name: torch.Tensor, mixed: float) -> Batch:
        """A share `mixed` of the pictures gets a rectangle of another one, and its name in proportion."""
        n = len(picture)
        partner = self.dice.order(n)
        hole = rectangles(n, self.dice, 0.3, 0.7) * self.dice.chance(n, mixed)
        return Batch(
            torch.where(hole > 0, picture[partner], picture), name, name[partner], 1 - hole.mean((1, 2, 3))
        )


def rectangles(n: int, dice: Dice, low: float, high: float) -> torch.Tensor:
    """One rectangle in each of n masks (n, 1, 128, 128), its sides these shares of the picture."""
    line = (torch.arange(128, device=device()) + 0.5) / 128
    size, centre = dice(n, 2, 1, low=low, high=high), dice(n, 2, 1)
    x, y = ((line - centre).abs() < size / 2).float().unbind(1)
    return (y[:, :, None] * x[:, None, :])[:, None]


def augment(picture: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Line widths, edges, colours, contrast, blur, grain and holes; values stay in -1..1."""
    n, dice = len(picture), Dice(random)
    picture = recoloured(outline(thicken(picture, random, 0.25), random, 0.08), dice)
    picture = picture * dice(n, 1, 1, 1, low=0.7, high=1.3) + dice(n, 3, 1, 1, low=-0.15, high=0.15)
    blurred = F.interpolate(F.avg_pool2d(picture, 2), scale_factor=2, mode="bilinear")
    picture = torch.where(dice.chance(n, 0.3), blurred, picture)
    grain = torch.randn(picture.shape, device=dice.device, generator=random)
    picture = picture + grain * dice(n, 1, 1, 1, high=0.12)
    small = F.interpolate((dice(n, 1, 6, 6) < 0.06).float(), size=128)
    large = rectangles(n, dice, 0.2, 0.45) * dice.chance(n, 0.3)
    picture = picture * (1 - small)
    return torch.where(large > 0, dice(n, 3, 1, 1, low=-1), picture).clamp(-1, 1)


def recoloured(picture: torch.Tensor, dice: Dice) -> torch.Tensor:
    """Channels mixed, exchanged, turned to grey or turned round."""
    n = len(picture)
    eye = torch.eye(3, device=dice.device)
    mix = eye + dice(n, 3, 3, low=-0.25, high=0.25) * (dice(n, 1, 1) < 0.5)
    exchanged = eye[torch.where(dice(n, 1) < 0.15, dice.order(n, 3), torch.arange(3, device=dice.device))]
    picture = torch.einsum("nij,njhw->nihw", mix @ exchanged, picture)
    picture = torch.where(dice.chance(n, 0.15), picture.mean(1, keepdim=True), picture)
    return picture * torch.where(dice.chance(n, 0.06), -1.0, 1.0)
