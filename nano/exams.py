"""What a judge gets right of pictures that it never saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from animals import NAMES
from pictures import ink_only
from restyle import restyle
from training import device
from world import Drawings, background_colours, compose, load_labels, to_float

Scorer = Callable[[torch.Tensor, tuple[str, ...]], torch.Tensor]
"""From pictures (n, 3, 128, 128) and names to logits (n, names)."""


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
    def top1(self, score: Scorer) -> float:
        hits = [
            score(picture, self.names).argmax(1) == right
            for picture, right in zip(self.picture.split(128), self.right.split(128), strict=True)
        ]
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
    shown = tuple(dict.fromkeys(printed))
    return {
        "held_out_top1": Exam.of(compose(animals.rgba, ink_only(animals.records), white), subjects, NAMES),
        "held_out_restyled_top1": Exam.of(torch.cat(prints), subjects * len(prints), NAMES),
        "held_out_animal_labels_top1": Exam.of(to_float(pixels[which]), [printed[i] for i in which], NAMES),
        "held_out_labels_top1": Exam.of(to_float(pixels), printed, shown),
    }


def marks(score: Scorer, given: Mapping[str, Exam]) -> dict[str, float]:
    return {name: round(exam.top1(score), 4) for name, exam in given.items()}
