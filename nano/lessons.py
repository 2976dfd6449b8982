"""What the judge learns from: the names of the pictures of a batch, and what separates them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from pictures import Batch

SMOOTHING = 0.1


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
