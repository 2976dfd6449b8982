"""Train the judge: a small CLIP on drawings and on labels' subjects, under strong augmentation.

    python nano/train_judge.py --data build/nano --out build/nano/trained --seconds 300

Drawings from further sources (nano/clipart.py) are trained on too where they have been made.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from animals import NAMES, RUSSIAN
from captions import BACKGROUNDS
from clipart import load_clipart
from restyle import Dice, bend, outline, restyle, thicken
from sets import BY_NAME
from tokens import encode, load_tokenizer
from torch import nn
from training import Clock, arguments, cosine, device, follow, prepare, set_rate
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, PreTrainedTokenizerFast
from world import (
    Drawings,
    background_colours,
    compose,
    load_autoencoder_labels,
    load_drawings,
    load_labels,
    random_affine,
    to_float,
)

PEAK_RATE = 1e-3
AVERAGE_DECAY = 0.998
WEIGHT_DECAY, ATTENTION_DROPOUT, SKIPPED, SMOOTHING = 0.15, 0.1, 0.1, 0.1
"""`SKIPPED`: the share of pictures that pass by the last layer; fewer pass by those before it."""
MEAN = STD = 0.5
NOISE = "texture noise"
"""What a picture without a subject is called."""

ANIMAL_SHARE, LABEL_SHARE, NOISE_SHARE = 0.4, 0.2, 0.04
RESTYLED, MIXED = 0.4, 0.25
"""Shares of the drawings that are printed like labels, and of all pictures that get a piece of another one."""
CLIPART = 0.5
"""How often a piece of clip art is shown, compared with a drawing of the ten sets."""
CALM = 0.85
"""From this share of the time on no pictures are mixed."""
RUSSIAN_SHARE = 0.2
LABELS = Path("src/strikebox/embedded/labels/held-out")


def new_judge(vocabulary: int, patch: int = 8) -> CLIPModel:
    return CLIPModel(
        CLIPConfig(
            text_config={
                "vocab_size": vocabulary, "hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": 2,
                "num_attention_heads": 2, "max_position_embeddings": 24, "bos_token_id": 2, "eos_token_id": 3,
                "pad_token_id": 0, "projection_dim": 128, "attention_dropout": ATTENTION_DROPOUT,
            },
            vision_config={
                "hidden_size": 192, "intermediate_size": 448, "num_hidden_layers": 6, "num_attention_heads": 3,
                "image_size": 128, "patch_size": patch, "projection_dim": 128, "attention_dropout": ATTENTION_DROPOUT,
            },
            projection_dim=128,
        )
    )  # fmt: skip


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
        picture[printed] = restyle(bend(rgba[index[printed]], self.random, zoom=0.25), self.random)
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


def contrastive_loss(judge: nn.Module, batch: Batch, names: Names) -> torch.Tensor:
    """Each picture against the distinct names of the batch, and each name against its pictures."""
    distinct, found = torch.cat([batch.name, batch.other]).unique(return_inverse=True)
    shares = torch.cat([batch.share, 1 - batch.share])
    target = torch.zeros(len(batch.name), len(distinct), device=distinct.device)
    row = torch.arange(len(batch.name), device=distinct.device).repeat(2)
    target.index_put_((row, found), shares, accumulate=True)
    language = (torch.rand(len(distinct), device=distinct.device) < RUSSIAN_SHARE).long()
    tokens = names.tokens[distinct, language]
    out = judge(input_ids=tokens, attention_mask=(tokens != 0).long(), pixel_values=batch.picture)
    logits = out.logits_per_image.float()
    to_name = F.cross_entropy(logits, target, label_smoothing=SMOOTHING)
    shown = F.normalize(target.T, p=1)
    to_picture = -(F.log_softmax(logits.T, -1) * shown).sum(1).mean()
    return to_name + 0.3 * to_picture


def skip_layers(judge: CLIPModel) -> None:
    """Stochastic depth: in training some pictures pass by a layer, the more the later it comes."""
    layers = judge.vision_model.encoder.layers
    for k, layer in enumerate(layers):
        layer.register_forward_hook(_skip(SKIPPED * (k + 1) / len(layers)))


def _skip(share: float) -> Callable[[nn.Module, tuple[torch.Tensor, ...], torch.Tensor], torch.Tensor]:
    def hook(layer: nn.Module, given: tuple[torch.Tensor, ...], made: torch.Tensor) -> torch.Tensor:
        if not layer.training:
            return made
        kept = (torch.rand(len(made), 1, 1, device=made.device) >= share).to(made.dtype) / (1 - share)
        return given[0] + (made - given[0]) * kept

    return hook


@dataclass(frozen=True, slots=True)
class Exam:
    """Held-out pictures (n, 3, 128, 128), the names to choose from and which of them is right (n,)."""

    picture: torch.Tensor
    names: tuple[str, ...]
    right: torch.Tensor

    @classmethod
    def of(cls, picture: torch.Tensor, subjects: Sequence[str], names: tuple[str, ...]) -> Exam:
        right = torch.tensor([names.index(s) for s in subjects], device=device())
        return cls(picture.to(device()), names, right)

    @torch.no_grad()
    def top1(self, judge: CLIPModel, tokenizer: PreTrainedTokenizerFast) -> float:
        tokens = torch.tensor(encode(tokenizer, list(self.names)), device=device())
        hits = []
        for picture, right in zip(self.picture.split(128), self.right.split(128), strict=True):
            seen = picture.to(judge.dtype)
            out = judge(input_ids=tokens, attention_mask=(tokens != 0).long(), pixel_values=seen)
            hits.append(out.logits_per_image.argmax(1) == right)
        return torch.cat(hits).float().mean().item()


def exams(held_out: Drawings, labels: Path) -> dict[str, Exam]:
    """Top-1 over the forty animals on white, restyled and on labels; and over all subjects on all labels."""
    animals = held_out.where(torch.tensor([bool(r["animal"]) for r in held_out.records]))
    subjects = [r["animal"] for r in animals.records]
    white = background_colours(torch.device("cpu"))[:1].expand(len(animals), -1)
    prints = [restyle(animals.rgba, torch.Generator().manual_seed(seed)) for seed in range(3)]
    records, pixels = load_labels(labels)
    printed = [r["subject"] for r in records]
    which = [i for i, s in enumerate(printed) if s in NAMES]
    return {
        "held_out_top1": Exam.of(compose(animals.rgba, ink_only(animals.records), white), subjects, NAMES),
        "held_out_restyled_top1": Exam.of(torch.cat(prints), subjects * len(prints), NAMES),
        "held_out_animal_labels_top1": Exam.of(to_float(pixels[which]), [printed[i] for i in which], NAMES),
        "held_out_labels_top1": Exam.of(to_float(pixels), printed, tuple(dict.fromkeys([*NAMES, *printed]))),
    }


def marks(
    judge: CLIPModel, given: Mapping[str, Exam], tokenizer: PreTrainedTokenizerFast
) -> dict[str, float]:
    return {name: round(exam.top1(judge, tokenizer), 4) for name, exam in given.items()}


def train(
    judge: CLIPModel, average: CLIPModel, pictures: Pictures, names: Names, args: argparse.Namespace,
    report: Callable[[], dict[str, float]],
) -> int:  # fmt: skip
    weights, followers = list(judge.parameters()), list(average.parameters())
    groups = [
        {"params": [w for w in weights if w.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=PEAK_RATE, betas=(0.9, 0.98), fused=True)
    skip_layers(judge.train())
    judge.vision_model = torch.compile(judge.vision_model) if args.compile else judge.vision_model
    clock = Clock(args.seconds)
    for share in clock.laps():
        set_rate(optimizer, cosine(share, PEAK_RATE, clock.steps, warm_up=300))
        batch = pictures.batch(args.batch, MIXED if share < CALM else 0.0)
        with torch.autocast(device().type, torch.bfloat16):
            loss = contrastive_loss(judge, batch, names)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        follow(followers, weights, clock.steps, AVERAGE_DECAY)
        if (clock.steps + 1) % args.report == 0:
            print(f"judge {clock.steps + 1} {share:.2f} loss {loss.item():.4f}", report(), flush=True)
    return clock.steps


def with_clipart(drawings: Drawings, clipart: Drawings) -> Drawings:
    return Drawings(drawings.records + clipart.records, torch.cat([drawings.rgba, clipart.rgba]))


def main() -> None:
    parser = arguments(__doc__, seconds=300, batch=512)
    parser.add_argument("--labels", type=Path, default=LABELS, help="held-out labels, for the log alone")
    parser.add_argument("--patch", type=int, default=8, help="side of a patch in pixels")
    args = parser.parse_args()
    random = prepare(args.seed)
    tokenizer = load_tokenizer(args.out / "tokenizer")
    drawings, clipart = load_drawings(args.data, every=args.every), load_clipart(args.data)
    held_out, training = drawings.where(drawings.held_out), drawings.where(~drawings.held_out)
    training = with_clipart(training, clipart)
    labels, pixels = load_autoencoder_labels(args.data, every=args.every)
    names = Names.of(training, labels, tokenizer)
    judge, average = (new_judge(len(tokenizer), args.patch).to(device()) for _ in range(2))
    average.load_state_dict(judge.state_dict())
    average.requires_grad_(False).eval()
    given = exams(held_out, args.labels)
    pictures = Pictures(training, labels, pixels, names, random)
    steps = train(judge, average, pictures, names, args, lambda: marks(average, given, tokenizer))
    average.to(torch.bfloat16)
    log = {"steps": steps, "batch": args.batch, "seconds": args.seconds, "seed": args.seed, "clipart": len(clipart),
           **marks(average, given, tokenizer)}  # fmt: skip
    average.save_pretrained(args.out / "judge")
    tokenizer.save_pretrained(args.out / "judge")
    side = {"height": 128, "width": 128}
    CLIPImageProcessor(
        size=side, crop_size=side, do_center_crop=False, image_mean=[MEAN] * 3, image_std=[STD] * 3
    ).save_pretrained(args.out / "judge")
    (args.out / "judge.json").write_text(json.dumps(log))
    print("judge", log, flush=True)


if __name__ == "__main__":
    main()
