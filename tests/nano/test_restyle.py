"""Bending and printing keep the subject, follow from their generator and stay in range."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import restyle
import torch
from bending import bend, outline, thicken
from dice import Dice
from grounds import PATTERNS, Pattern


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def discs() -> torch.Tensor:
    """Twelve red discs with a dark eye, uint8 RGBA (12, 4, 128, 128)."""
    line = torch.arange(128) - 63.5
    away = torch.hypot(line[:, None], line)
    rgba = torch.zeros(4, 128, 128)
    rgba[0], rgba[1], rgba[2] = 200, 60, 50
    rgba[:3, torch.hypot(line[:, None] + 15, line - 10) < 12] = 20
    rgba[3] = (away < 50) * 255
    return rgba.to(torch.uint8).repeat(12, 1, 1, 1)


Step = Callable[[torch.Tensor, torch.Generator], torch.Tensor]


@pytest.mark.parametrize("step", [bend, restyle.restyle])
def test_equal_seeds_give_equal_pictures_and_others_do_not(step: Step, discs: torch.Tensor) -> None:
    first, again, other = step(discs, generator()), step(discs, generator()), step(discs, generator(1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_prints_are_pictures_of_few_inks(discs: torch.Tensor) -> None:
    prints = restyle.restyle(discs, generator())
    assert prints.shape == (12, 3, 128, 128)
    assert prints.dtype == torch.float32
    assert prints.abs().max() <= 1
    for picture in prints:
        _, counts = picture.flatten(1).round(decimals=3).unique(dim=1, return_counts=True)
        assert counts.sort(descending=True).values[:9].sum() > 0.75 * 128 * 128


def test_a_subject_stands_out_from_its_ground(discs: torch.Tensor) -> None:
    nothing = discs.clone()
    nothing[:, 3] = 0
    changed = (restyle.restyle(discs, generator()) - restyle.restyle(nothing, generator())).norm(dim=1) > 0.3
    assert (changed.float().mean((1, 2)) > 0.08).all()


def test_bent_drawings_keep_their_colours_and_have_nothing_around_them(discs: torch.Tensor) -> None:
    bent = bend(discs, generator())
    assert (bent.dtype, bent.shape) == (torch.uint8, discs.shape)
    solid = bent[:, 3] > 250
    assert 0.05 < solid.float().mean() < 0.6
    red = bent[:, 0][solid].float()
    assert red.min() >= 15
    assert red.max() <= 205


@pytest.mark.parametrize("step", [thicken, outline])
def test_just_the_share_asked_for_changes(
    step: Callable[[torch.Tensor, torch.Generator, float], torch.Tensor],
) -> None:
    pictures = torch.rand(20, 3, 32, 32, generator=generator(3)) * 2 - 1
    changed = (step(pictures, generator(), 0.25) != pictures).flatten(1).any(1)
    assert changed.sum() == 5


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_are_masks(pattern: Pattern) -> None:
    line = torch.arange(128) - 63.5
    x, y = line.expand(4, 128, 128), line[:, None].expand(4, 128, 128)
    mask = pattern(x, y, Dice(generator()))
    assert mask.shape == (4, 128, 128)
    assert mask.min() >= 0
    assert mask.max() <= 1
    assert ((mask > 0) & (mask < 1)).float().mean() < 0.5


def test_of_several_orders_the_clearest_wins() -> None:
    inks = torch.tensor([[[0.0, 0, 0], [0.1, 0, 0], [1.0, 1, 1]]])
    assert restyle._contrasting(inks, torch.tensor([[[0, 1], [1, 2], [0, 2]]])).tolist() == [[0, 2]]


def test_levels_rise_and_there_are_two_to_four() -> None:
    cut = restyle._thresholds(200, Dice(generator()))[:, :, 0, 0]
    assert (cut.diff(dim=1) >= 0).all()
    assert set((cut < 50).sum(1).tolist()) == {1, 2, 3}
