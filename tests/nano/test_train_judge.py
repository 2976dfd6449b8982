"""How the judge's batches are made up and marked; no training."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from dice import Dice
from eye import SIDE
from lessons import Question, contrastive_loss
from pictures import NOISE, Batch, Names, Pictures, ink_only, rectangles
from train_judge import Judge, loss_of, optimizer_of
from world import Drawings


def record(name: str, animal: str | None = None, **more: Any) -> dict[str, Any]:
    return {"set": "noto", "en": name, "ru": None, "animal": animal, "held_out": False, **more}


@pytest.fixture
def pictures() -> Pictures:
    records = [record("cat", "cat"), record("dog", "dog", set="symbola", ink_only=True), record("house")]
    rgba = torch.zeros(3, 4, 128, 128, dtype=torch.uint8)
    rgba[:, :, 30:100, 30:100] = 255
    labels, pixels = [{"subject": "house"}], torch.zeros(1, 3, 128, 128, dtype=torch.uint8)
    index = {name: k for k, name in enumerate(("cat", "dog", "house", NOISE))}
    names = Names(index, torch.ones(4, 2, 24, dtype=torch.int64))
    return Pictures(Drawings(records, rgba), labels, pixels, names, torch.Generator().manual_seed(0))


def test_a_batch_holds_pictures_and_the_shares_of_their_names(pictures: Pictures) -> None:
    batch = pictures.batch(50)
    assert batch.picture.shape == (50, 3, 128, 128)
    assert batch.picture.abs().max() <= 1
    assert batch.picture.isfinite().all()
    assert (batch.share >= 0.5).all()
    assert 0.4 < (batch.share == 1).float().mean() < 1
    assert (pictures.batch(50, mixed=0).share == 1).all()


def test_a_mixture_belongs_to_each_name_by_its_area(pictures: Pictures) -> None:
    shades = torch.linspace(-1, 1, 40)[:, None, None, None].expand(40, 3, 128, 128)
    batch = pictures._mixed(shades, torch.arange(40), mixed=0.5)
    mean = batch.share * shades[batch.name, 0, 0, 0] + (1 - batch.share) * shades[batch.other, 0, 0, 0]
    assert torch.allclose(batch.picture.mean((1, 2, 3)), mean, atol=1e-4)


def test_rectangles_have_the_sides_asked_for() -> None:
    masks = rectangles(50, Dice(torch.Generator().manual_seed(0)), 0.2, 0.45)
    assert masks.shape == (50, 1, 128, 128)
    assert masks.amax(2).sum(-1).max() <= 0.45 * 128 + 1
    assert masks.mean() > 0.02


def test_clip_art_says_itself_whether_it_is_ink() -> None:
    records = [record("cat"), record("cat", set="game-icons"), record("cat", set="symbola", ink_only=True)]
    assert ink_only(records).tolist() == [False, True, True]


def test_mixed_pictures_cost_least_when_the_logits_follow_their_shares() -> None:
    question = Question.of(
        Batch(torch.zeros(2, 3, 8, 8), torch.tensor([5, 7]), torch.tensor([7, 5]), torch.tensor([0.7, 0.8]))
    )
    assert question.names.tolist() == [5, 7]
    assert torch.allclose(question.target, torch.tensor([[0.7, 0.3], [0.2, 0.8]]))
    fair = torch.tensor([[0.7, 0.3], [0.2, 0.8]]).log()
    losses = [contrastive_loss(logits, question.target).item() for logits in (fair, 6 * fair, -fair)]
    assert losses[0] == min(losses)


def test_what_is_shipped_says_what_was_trained() -> None:
    torch.manual_seed(0)
    judge = Judge(40).eval()
    shipped = judge.as_transformers().eval()
    picture, tokens = torch.rand(2, 3, 128, 128) * 2 - 1, torch.tensor([[2, 5, 3, 0], [2, 7, 9, 3]])
    large = F.interpolate(picture, size=SIDE, mode="bilinear", align_corners=False)
    with torch.no_grad():
        said = shipped(input_ids=tokens, attention_mask=(tokens != 0).long(), pixel_values=large)
        assert torch.allclose(said.logits_per_image, judge(picture, tokens), atol=1e-4)


def test_the_judge_learns() -> None:
    """A few steps on one batch bring each picture nearer to its name."""
    torch.manual_seed(0)
    judge = Judge(40)
    names = Names({}, torch.tensor([[2, k, 3] for k in (5, 6, 7)])[:, None].repeat(1, 2, 1))
    one = torch.tensor([0, 1, 2])
    batch = Batch(torch.randn(3, 3, 128, 128).clamp(-1, 1), one, one, torch.ones(3))
    optimizer, losses = optimizer_of(judge), []
    for _ in range(8):
        loss = loss_of(judge, batch, names)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.8 * losses[0]
