"""Train the judge: a small CLIP that learns drawings and labels' subjects from their names and from a teacher.

    python nano/train_judge.py --data build/nano --out build/nano/trained --teaching 150 --seconds 350

First the teacher (teacher.py) learns the names, then the judge learns from both, on the same strongly augmented
pictures. Drawings from further sources (clipart.py) are shown too where they have been made.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from clipart import load_clipart
from exams import Exam, Scorer, exams, marks
from lessons import Pupil, teacher_loss
from pictures import MIXED, Batch, Names, Pictures
from teacher import Teacher
from tokens import encode, load_tokenizer
from torch import nn
from training import Clock, arguments, cosine, device, follow, prepare, set_rate
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, PreTrainedTokenizerFast
from world import Drawings, load_autoencoder_labels, load_drawings

PEAK_RATE, TEACHER_RATE = 1e-3, 3e-4
AVERAGE_DECAY = 0.998
WEIGHT_DECAY, ATTENTION_DROPOUT, SKIPPED = 0.15, 0.1, 0.1
"""`SKIPPED`: the share of pictures that pass by the last layer; fewer pass by those before it."""
MEAN = STD = 0.5
CALM = 0.85
"""From this share of the time on no pictures are mixed."""
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


def optimizer_of(model: nn.Module) -> torch.optim.AdamW:
    weights = list(model.parameters())
    groups = [
        {"params": [w for w in weights if w.ndim > 1], "weight_decay": WEIGHT_DECAY},
        {"params": [w for w in weights if w.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)


def averaged(model: nn.Module) -> nn.Module:
    return copy.deepcopy(model).requires_grad_(False).eval()


def state(model: nn.Module) -> list[torch.Tensor]:
    """All weights and statistics that an average follows."""
    return [t for t in model.state_dict(keep_vars=True).values() if t.is_floating_point()]


def fit(
    model: nn.Module, average: nn.Module, loss_of: Callable[[Batch], torch.Tensor], pictures: Pictures, rate: float,
    seconds: float, args: argparse.Namespace, report: Callable[[], dict[str, float]],
) -> int:  # fmt: skip
    """Trains for `seconds`; `average` follows. The number of steps."""
    optimizer, clock, name = optimizer_of(model), Clock(seconds), type(model).__name__.lower()
    following, followed = state(average), state(model)
    for share in clock.laps():
        set_rate(optimizer, cosine(share, rate, clock.steps, warm_up=300))
        batch = pictures.batch(args.batch, MIXED if share < CALM else 0.0)
        with torch.autocast(device().type, torch.bfloat16):
            loss = loss_of(batch)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        follow(following, followed, clock.steps, AVERAGE_DECAY)
        if (clock.steps + 1) % args.report == 0:
            print(f"{name} {clock.steps + 1} {share:.2f} loss {loss.item():.4f}", report(), flush=True)
    return clock.steps


def teachers_scorer(teacher: Teacher, names: Names) -> Scorer:
    def score(picture: torch.Tensor, asked: tuple[str, ...]) -> torch.Tensor:
        return teacher(picture)[1][:, [names.index[name] for name in asked]]

    return score


def judges_scorer(judge: CLIPModel, tokenizer: PreTrainedTokenizerFast) -> Scorer:
    def score(picture: torch.Tensor, asked: Sequence[str]) -> torch.Tensor:
        tokens = torch.tensor(encode(tokenizer, list(asked)), device=device())
        seen = picture.to(judge.dtype)
        return judge(input_ids=tokens, attention_mask=(tokens != 0).long(), pixel_values=seen).logits_per_image

    return score


def with_clipart(drawings: Drawings, clipart: Drawings) -> Drawings:
    return Drawings(drawings.records + clipart.records, torch.cat([drawings.rgba, clipart.rgba]))


def taught(names: Names, pictures: Pictures, given: dict[str, Exam], args: argparse.Namespace) -> Teacher:
    """The teacher after its lessons; it goes on from what an earlier run left of it."""
    teacher, kept = Teacher(len(names.index)), args.out / "teacher.pt"
    if kept.exists():
        teacher.load_state_dict(torch.load(kept, map_location="cpu", weights_only=True))
    teacher.to(device(), memory_format=torch.channels_last)
    average = averaged(teacher)
    score = teachers_scorer(average, names)
    learning = torch.compile(teacher) if args.compile else teacher
    teacher.train()
    fit(teacher, average, lambda batch: teacher_loss(learning, batch), pictures, TEACHER_RATE, args.teaching,
        args, lambda: marks(score, given))  # fmt: skip
    print("teacher", marks(score, given), flush=True)
    torch.save(average.state_dict(), kept)
    return average


def save(judge: CLIPModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    judge.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    side = {"height": 128, "width": 128}
    CLIPImageProcessor(
        size=side, crop_size=side, do_center_crop=False, image_mean=[MEAN] * 3, image_std=[STD] * 3
    ).save_pretrained(folder)


def main() -> None:
    parser = arguments(__doc__, seconds=350, batch=512)
    parser.add_argument("--teaching", type=float, default=150, help="seconds for the teacher, before the judge's")
    parser.add_argument("--labels", type=Path, default=LABELS, help="held-out labels, for the log alone")
    parser.add_argument("--start", type=Path, help="go on from the judge in this folder")
    parser.add_argument("--patch", type=int, default=8, help="side of a patch in pixels")
    args = parser.parse_args()
    random = prepare(args.seed)
    tokenizer = load_tokenizer(args.out / "tokenizer")
    drawings, clipart = load_drawings(args.data, every=args.every), load_clipart(args.data)
    held_out, training = drawings.where(drawings.held_out), drawings.where(~drawings.held_out)
    training = with_clipart(training, clipart)
    labels, pixels = load_autoencoder_labels(args.data, every=args.every)
    names = Names.of(training, labels, tokenizer)
    given = exams(held_out, args.labels)
    pictures = Pictures(training, labels, pixels, names, random)
    teacher = taught(names, pictures, given, args)
    judge = CLIPModel.from_pretrained(args.start, dtype=torch.float32) if args.start else new_judge(len(tokenizer), args.patch)
    pupil = Pupil(judge).to(device())
    average = averaged(pupil)
    score = judges_scorer(average.judge, tokenizer)
    skip_layers(pupil.judge)
    if args.compile:
        pupil.judge.vision_model = torch.compile(pupil.judge.vision_model)
        teacher = torch.compile(teacher)
    pupil.train()
    steps = fit(pupil, average, lambda batch: pupil.loss(batch, names, teacher), pictures, PEAK_RATE, args.seconds,
                args, lambda: marks(score, given))  # fmt: skip
    average.judge.to(torch.bfloat16)
    log = {"steps": steps, "batch": args.batch, "teaching": args.teaching, "seconds": args.seconds, "seed": args.seed,
           "clipart": len(clipart), "teacher": marks(teachers_scorer(teacher, names), given), **marks(score, given)}  # fmt: skip
    save(average.judge, tokenizer, args.out / "judge")
    (args.out / "judge.json").write_text(json.dumps(log))
    print("judge", log, flush=True)


if __name__ == "__main__":
    main()
