"""Train the judge: a small CLIP on drawings and on labels' subjects, under strong augmentation.

    python nano/train_judge.py --data build/nano --out build/nano/trained --seconds 110
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from animals import NAMES, RUSSIAN
from captions import BACKGROUNDS
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
    random_affine,
    to_float,
    warp,
)

PEAK_RATE = 1e-3
AVERAGE_DECAY = 0.998
MEAN = STD = 0.5
NOISE = "texture noise"
"""What a picture without a subject is called."""

ANIMAL_SHARE, LABEL_SHARE, NOISE_SHARE = 0.4, 0.2, 0.04
RUSSIAN_SHARE = 0.2


def new_judge(vocabulary: int) -> CLIPModel:
    return CLIPModel(
        CLIPConfig(
            text_config={
                "vocab_size": vocabulary, "hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": 2,
                "num_attention_heads": 2, "max_position_embeddings": 24, "bos_token_id": 2, "eos_token_id": 3,
                "pad_token_id": 0, "projection_dim": 128,
            },
            vision_config={
                "hidden_size": 192, "intermediate_size": 448, "num_hidden_layers": 6, "num_attention_heads": 3,
                "image_size": 128, "patch_size": 8, "projection_dim": 128,
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


class Pictures:
    """Random batches of pictures with the index of their name."""

    def __init__(self, drawings: Drawings, labels: list[dict], pixels: torch.Tensor, names: Names, random) -> None:
        self.drawings, self.random = drawings.to(device()), random
        self.labels = pixels.to(device())
        self.ink_only = drawings.ink_only.to(device())
        self.name = torch.tensor([names.index[subject(r)] for r in drawings.records], device=device())
        self.label_name = torch.tensor([names.index[r["subject"]] for r in labels], device=device())
        self.animals = torch.tensor([i for i, r in enumerate(drawings.records) if r["animal"]], device=device())
        self.noise = names.index[NOISE]

    def batch(self, size: int) -> tuple[torch.Tensor, torch.Tensor]:
        animals, labels = round(size * ANIMAL_SHARE), round(size * LABEL_SHARE)
        some = self.animals[self._pick(len(self.animals), animals)]
        any_drawing = self._pick(len(self.drawings), size - animals - labels)
        label = self._pick(len(self.labels), labels)
        drawn = torch.cat([some, any_drawing])
        picture = torch.cat([self._drawn(drawn), self._label(label)])
        name = torch.cat([self.name[drawn], self.label_name[label]])
        return self._scrambled(augment(picture, self.random), name)

    def _pick(self, among: int, n: int) -> torch.Tensor:
        return torch.randint(among, (n,), device=device(), generator=self.random)

    def _drawn(self, index: torch.Tensor) -> torch.Tensor:
        n = len(index)
        moved = warp(self.drawings.rgba[index], random_affine(n, self.random, zoom=0.5, shift=0.25, turn=0.35))
        named = background_colours(device())[self._pick(len(BACKGROUNDS), n)]
        free = torch.rand(n, 3, device=device(), generator=self.random) * 2 - 1
        plain = torch.rand(n, 1, device=device(), generator=self.random) < 0.6
        return compose(moved, self.ink_only[index], torch.where(plain, named, free))

    def _label(self, index: torch.Tensor) -> torch.Tensor:
        theta = random_affine(len(index), self.random, zoom=0.15, shift=0.15, turn=0.1)
        grid = F.affine_grid(theta, [len(index), 3, 128, 128], align_corners=False)
        return F.grid_sample(to_float(self.labels[index]), grid, align_corners=False, padding_mode="border")

    def _scrambled(self, picture: torch.Tensor, name: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """A few pictures cut into tiles and shuffled: colours without a subject."""
        n = round(len(picture) * NOISE_SHARE)
        index = self._pick(len(picture), n)
        tiles = F.unfold(picture[index], 16, stride=16)
        order = torch.rand(n, 1, tiles.shape[2], device=device(), generator=self.random).argsort(-1)
        mixed = F.fold(tiles.gather(2, order.expand_as(tiles)), 128, 16, stride=16)
        picture[index], name[index] = mixed, self.noise
        return picture, name


def augment(picture: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    """Colours, contrast, blur, grain and holes; values stay in -1..1."""
    n, where = len(picture), picture.device

    def uniform(*shape: int) -> torch.Tensor:
        return torch.rand(*shape, device=where, generator=random)

    mix = torch.eye(3, device=where) + (uniform(n, 3, 3) - 0.5) * 0.5 * (uniform(n, 1, 1) < 0.5)
    picture = torch.einsum("nij,njhw->nihw", mix, picture)
    grey = (uniform(n, 1, 1, 1) < 0.15).float()
    picture = picture * (1 - grey) + picture.mean(1, keepdim=True) * grey
    picture = picture * (0.7 + 0.6 * uniform(n, 1, 1, 1)) + (uniform(n, 3, 1, 1) - 0.5) * 0.3
    blurred = F.interpolate(F.avg_pool2d(picture, 2), scale_factor=2, mode="bilinear")
    picture = torch.where(uniform(n, 1, 1, 1) < 0.3, blurred, picture)
    picture = picture + torch.randn(picture.shape, device=where, generator=random) * 0.12 * uniform(n, 1, 1, 1)
    holes = F.interpolate((uniform(n, 1, 6, 6) < 0.06).float(), size=128)
    return (picture * (1 - holes)).clamp(-1, 1)


def contrastive_loss(judge: nn.Module, picture: torch.Tensor, name: torch.Tensor, names: Names) -> torch.Tensor:
    """Each picture against the distinct names of the batch, and each name against its pictures."""
    distinct, target = name.unique(return_inverse=True)
    language = (torch.rand(len(distinct), device=name.device) < RUSSIAN_SHARE).long()
    tokens = names.tokens[distinct, language]
    out = judge(input_ids=tokens, attention_mask=(tokens != 0).long(), pixel_values=picture)
    logits = out.logits_per_image.float()
    to_name = F.cross_entropy(logits, target, label_smoothing=0.05)
    same = F.one_hot(target, len(distinct)).T.float()
    to_picture = -(F.log_softmax(logits.T, -1) * same / same.sum(1, keepdim=True)).sum(1).mean()
    return to_name + 0.3 * to_picture


@torch.no_grad()
def accuracy(judge: CLIPModel, held_out: Drawings, tokenizer: PreTrainedTokenizerFast) -> float:
    """Top-1 over the forty animals on held-out drawings, on white."""
    animals = held_out.where(torch.tensor([bool(r["animal"]) for r in held_out.records]))
    white = background_colours(device())[:1].expand(len(animals), -1)
    picture = compose(animals.rgba.to(device()), animals.ink_only.to(device()), white)
    tokens = torch.tensor(encode(tokenizer, list(NAMES)), device=device())
    out = judge(input_ids=tokens, attention_mask=(tokens != 0).long(), pixel_values=picture.to(judge.dtype))
    guess = out.logits_per_image.argmax(1).tolist()
    return sum(NAMES[g] == r["animal"] for g, r in zip(guess, animals.records, strict=True)) / len(animals)


def train(judge: CLIPModel, average: CLIPModel, pictures: Pictures, names: Names, args: argparse.Namespace) -> int:
    weights, followers = list(judge.parameters()), list(average.parameters())
    optimizer = torch.optim.AdamW(weights, lr=PEAK_RATE, betas=(0.9, 0.98), weight_decay=0.05, fused=True)
    judge.vision_model = torch.compile(judge.vision_model) if args.compile else judge.vision_model
    clock = Clock(args.seconds)
    for share in clock.laps():
        set_rate(optimizer, cosine(share, PEAK_RATE, clock.steps, warm_up=300))
        picture, name = pictures.batch(args.batch)
        with torch.autocast(device().type, torch.bfloat16):
            loss = contrastive_loss(judge, picture, name, names)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        follow(followers, weights, clock.steps, AVERAGE_DECAY)
        if (clock.steps + 1) % args.report == 0:
            print(f"judge {clock.steps + 1} {share:.2f} loss {loss.item():.4f}", flush=True)
    return clock.steps


def main() -> None:
    args = arguments(__doc__, seconds=110, batch=512).parse_args()
    random = prepare(args.seed)
    tokenizer = load_tokenizer(args.out / "tokenizer")
    drawings = load_drawings(args.data, every=args.every)
    held_out, training = drawings.where(drawings.held_out), drawings.where(~drawings.held_out)
    labels, pixels = load_autoencoder_labels(args.data, every=args.every)
    names = Names.of(training, labels, tokenizer)
    judge, average = new_judge(len(tokenizer)).to(device()), new_judge(len(tokenizer)).to(device())
    average.load_state_dict(judge.state_dict())
    average.requires_grad_(False).eval()
    steps = train(judge, average, Pictures(training, labels, pixels, names, random), names, args)
    average.to(torch.bfloat16)
    log = {"steps": steps, "batch": args.batch, "seconds": args.seconds, "seed": args.seed,
           "held_out_top1": accuracy(average, held_out, tokenizer)}  # fmt: skip
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
