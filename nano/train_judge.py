"""Train the judge: a small dual encoder of pictures and names, in English and Russian.

    python nano/train_judge.py --data build/nano --out build/nano/trained --seconds 490

Its eye has seen photographs before (eye.py) and now sees strongly augmented drawings and labels; its reader of names is
new. Drawings from further sources (clipart.py) are shown too where they have been made.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
import torch.nn.functional as F
from clipart import load_clipart
from exams import Scorer, exams, marks
from eye import FEATURES, SIDE, Eye, as_transformers
from lessons import Question, contrastive_loss
from pictures import MIXED, Batch, Names, Pictures
from tokens import encode, load_tokenizer
from torch import nn
from training import Clock, arguments, cosine, device, follow, prepare, set_rate
from transformers import (
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    PreTrainedTokenizerFast,
    VisionTextDualEncoderModel,
)
from world import Drawings, load_autoencoder_labels, load_drawings

RATE, NEW = 3e-4, 3.0
"""The peak rate of the eye, and how many times faster the rest learns, which is new."""
AVERAGE_DECAY, WEIGHT_DECAY = 0.998, 0.15
WIDTH, READERS_WIDTH = 128, 96
"""Of the space that pictures and names share, and of the reader."""
RUSSIAN_SHARE = 0.2
MEAN = STD = 0.5
CALM = 0.85
"""From this share of the time on no pictures are mixed."""
LABELS = Path("src/strikebox/embedded/labels/held-out")


class Judge(nn.Module):
    """Radford et al., "Learning transferable visual models from natural language supervision", 2021."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.eye = Eye()
        self.reader = CLIPTextModel(
            CLIPTextConfig(
                vocab_size=vocabulary, hidden_size=READERS_WIDTH, intermediate_size=256, num_hidden_layers=2,
                num_attention_heads=2, max_position_embeddings=24, bos_token_id=2, eos_token_id=3, pad_token_id=0,
                projection_dim=WIDTH, attn_implementation="eager",
            )
        )  # fmt: skip
        self.from_eye = nn.Linear(FEATURES, WIDTH, bias=False)
        self.from_reader = nn.Linear(READERS_WIDTH, WIDTH, bias=False)
        self.logit_scale = nn.Parameter(torch.tensor(2.6592))

    def forward(self, picture: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
        """Logits (n, m) of pictures (n, 3, 128, 128) and tokens (m, text tokens)."""
        read = self.reader(input_ids=tokens, attention_mask=(tokens != 0).long()).pooler_output
        names = F.normalize(self.from_reader(read).float(), dim=1)
        pictures = F.normalize(self.from_eye(self.eye(picture)[1]).float(), dim=1)
        return pictures @ names.T * self.logit_scale.exp()

    def as_transformers(self) -> VisionTextDualEncoderModel:
        eye, reader = as_transformers(self.eye), copy.deepcopy(self.reader)
        judge = VisionTextDualEncoderModel(vision_model=eye, text_model=reader)
        judge.visual_projection, judge.text_projection = self.from_eye, self.from_reader
        judge.logit_scale = self.logit_scale
        judge.config.projection_dim = judge.projection_dim = WIDTH
        return judge


def optimizer_of(judge: Judge) -> torch.optim.AdamW:
    def group(weights: Sequence[nn.Parameter], times: float, decays: bool) -> dict[str, object]:
        chosen = [w for w in weights if (w.ndim > 1) == decays]
        return {"params": chosen, "weight_decay": WEIGHT_DECAY if decays else 0.0, "times": times}

    eye = list(judge.eye.parameters())
    new = [weight for name, weight in judge.named_parameters() if not name.startswith("eye.")]
    groups = [group(weights, times, decays) for weights, times in ((eye, 1.0), (new, NEW)) for decays in (False, True)]
    return torch.optim.AdamW(groups, betas=(0.9, 0.98), fused=True)


def state(model: nn.Module) -> list[torch.Tensor]:
    """All weights and statistics that an average follows."""
    return [t for t in model.state_dict(keep_vars=True).values() if t.is_floating_point()]


def loss_of(judge: Judge, batch: Batch, names: Names) -> torch.Tensor:
    question = Question.of(batch)
    language = (torch.rand(len(question.names), device=device()) < RUSSIAN_SHARE).long()
    return contrastive_loss(judge(batch.picture, names.tokens[question.names, language]), question.target)


def fit(
    judge: Judge, average: Judge, pictures: Pictures, names: Names, args: argparse.Namespace,
    report: Callable[[], dict[str, float]],
) -> int:  # fmt: skip
    """Trains for `args.seconds`; `average` follows. The number of steps."""
    following, followed = state(average), state(judge)
    optimizer, clock = optimizer_of(judge), Clock(args.seconds)
    if args.compile:
        judge.eye.compile()
    judge.train()
    for share in clock.laps():
        set_rate(optimizer, cosine(share, RATE, clock.steps, warm_up=300))
        batch = pictures.batch(args.batch, MIXED if share < CALM else 0.0)
        with torch.autocast(device().type, torch.bfloat16):
            loss = loss_of(judge, batch, names)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(judge.parameters(), 1.0)
        optimizer.step()
        follow(following, followed, clock.steps, AVERAGE_DECAY)
        if (clock.steps + 1) % args.report == 0:
            print(f"{clock.steps + 1} {share:.2f} loss {loss.item():.4f}", report(), flush=True)
    return clock.steps


def scorer(judge: Judge, tokenizer: PreTrainedTokenizerFast) -> Scorer:
    def score(picture: torch.Tensor, asked: Sequence[str]) -> torch.Tensor:
        return judge(picture, torch.tensor(encode(tokenizer, list(asked)), device=device()))

    return score


def with_clipart(drawings: Drawings, clipart: Drawings) -> Drawings:
    return Drawings(drawings.records + clipart.records, torch.cat([drawings.rgba, clipart.rgba]))


def save(judge: Judge, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    judge.cpu().as_transformers().to(torch.bfloat16, memory_format=torch.contiguous_format).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    side = {"height": SIDE, "width": SIDE}
    CLIPImageProcessor(
        size=side, crop_size=side, do_center_crop=False, resample=2, image_mean=[MEAN] * 3, image_std=[STD] * 3
    ).save_pretrained(folder)


def main() -> None:
    parser = arguments(__doc__, seconds=490, batch=512)
    parser.add_argument("--labels", type=Path, default=LABELS, help="held-out labels, for the log alone")
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
    judge = Judge(len(tokenizer))
    judge.to(device(), memory_format=torch.channels_last)
    average = copy.deepcopy(judge).requires_grad_(False).eval()
    score = scorer(average, tokenizer)
    steps = fit(judge, average, pictures, names, args, lambda: marks(score, given))
    log = {"steps": steps, "batch": args.batch, "seconds": args.seconds, "seed": args.seed,
           "clipart": len(clipart), **marks(score, given)}  # fmt: skip
    save(average, tokenizer, args.out / "judge")
    (args.out / "judge.json").write_text(json.dumps(log))
    print("judge", log, flush=True)


if __name__ == "__main__":
    main()
