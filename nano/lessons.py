"""What the judge learns from: the names of the pictures, and what its teacher sees in them.

Teacher and pupil see the same augmented view, as in Beyer et al., "Knowledge distillation: a good teacher is patient
and consistent", 2022.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pictures import Batch, Names
from teacher import FEATURES, Teacher
from torch import nn
from training import device
from transformers import CLIPModel

SMOOTHING = 0.1
TAUGHT, FOLLOWED = 1.0, 5.0
"""Weights of the teacher's opinion on the names and of its map of features, beside 1 for the names themselves."""
RUSSIAN_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Question:
    """The distinct names of a batch (m,) and how much of each picture belongs to each of them (n, m)."""

    names: torch.Tensor
    target: torch.Tensor

    @classmethod
    def of(cls, batch: Batch) -> Question:
        distinct, found = torch.cat([batch.name, batch.other]).unique(return_inverse=True)
        shares = torch.cat([batch.share, 1 - batch.share])
        target = torch.zeros(len(batch.name), len(distinct), device=distinct.device)
        row = torch.arange(len(batch.name), device=distinct.device).repeat(2)
        return cls(distinct, target.index_put_((row, found), shares, accumulate=True))


def contrastive_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Each picture against the distinct names of the batch, and each name against its pictures; both (n, m)."""
    to_name = F.cross_entropy(logits, target, label_smoothing=SMOOTHING)
    shown = F.normalize(target.T, p=1)
    to_picture = -(F.log_softmax(logits.T, -1) * shown).sum(1).mean()
    return to_name + 0.3 * to_picture


class Pupil(nn.Module):
    """The judge, and what maps its features to the teacher's."""

    def __init__(self, judge: CLIPModel) -> None:
        super().__init__()
        self.judge = judge
        width = judge.config.vision_config.hidden_size
        self.towards = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, FEATURES))

    def loss(self, batch: Batch, names: Names, teacher: Teacher) -> torch.Tensor:
        question = Question.of(batch)
        language = (torch.rand(len(question.names), device=device()) < RUSSIAN_SHARE).long()
        tokens = names.tokens[question.names, language]
        out = self.judge(input_ids=tokens, attention_mask=(tokens != 0).long(), pixel_values=batch.picture)
        with torch.no_grad():
            seen, opinion = teacher(batch.picture)
        opinion = opinion[:, question.names].float().softmax(-1)
        logits = out.logits_per_image.float()
        told = F.kl_div(logits.log_softmax(-1), opinion, reduction="batchmean")
        alike = F.cosine_similarity(self._map(out.vision_model_output.last_hidden_state, seen), seen.float())
        return contrastive_loss(logits, question.target) + TAUGHT * told + FOLLOWED * (1 - alike.mean())

    def _map(self, tokens: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
        """The patches' tokens (n, 1 + patches, width) as a map of features of the size of the teacher's."""
        side = math.isqrt(tokens.shape[1] - 1)
        grid = tokens[:, 1:].transpose(1, 2).unflatten(2, (side, side))
        pooled = F.adaptive_avg_pool2d(grid, like.shape[2:])
        return self.towards(pooled.permute(0, 2, 3, 1)).permute(0, 3, 1, 2).float()


def teacher_loss(teacher: nn.Module, batch: Batch) -> torch.Tensor:
    logits = teacher(batch.picture)[1].float()
    first, second = (
        F.cross_entropy(logits, name, label_smoothing=SMOOTHING, reduction="none")
        for name in (batch.name, batch.other)
    )
    return (batch.share * first + (1 - batch.share) * second).mean()
