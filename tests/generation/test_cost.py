"""FLOPs are those that torch counts; money follows from seconds."""

import pytest
import torch
from diffusers import Flux2Transformer2DModel
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from strikebox.generation.backend import Architecture, Model, Size
from strikebox.generation.cost import NOTHING, Cost, cost_all_alone, cost_alone, cost_shared, forward_flops
from strikebox.generation.plan import Plan, make_cell, make_plan
from strikebox.recipe import load

KLEIN_4B = Architecture(
    double_blocks=5,
    single_blocks=20,
    dim=3072,
    mlp_ratio=3,
    in_channels=128,
    text_dim=7680,
    text_tokens=512,
)
TINY = Architecture(
    double_blocks=2, single_blocks=3, dim=64, mlp_ratio=3, in_channels=16, text_dim=48, text_tokens=24
)


def plan(*recipes: str, distilled: bool = False) -> Plan:
    model = Model(
        name="tiny",
        hash="weights",
        lora_name="labels",
        lora_hash="adapter",
        size=Size(height=128, width=128),
        pixels_per_token=16,
        distilled=distilled,
        architecture=TINY,
    )
    return make_plan([make_cell(load(r), "cat", 1, model, style="s") for r in recipes], model)


@pytest.mark.parametrize(("side", "tera"), [(512, 10.2), (768, 19.7), (1024, 34.8)])
def test_one_forward_of_the_4b_model(side: int, tera: float) -> None:
    assert forward_flops(KLEIN_4B, (side // 16) ** 2) / 1e12 == pytest.approx(tera, abs=0.05)


@pytest.mark.parametrize(("image_tokens", "reference_tokens"), [(64, 0), (256, 0), (64, 64), (64, 16)])
def test_flops_are_those_that_torch_counts(image_tokens: int, reference_tokens: int) -> None:
    transformer = Flux2Transformer2DModel(
        patch_size=1,
        in_channels=TINY.in_channels,
        num_layers=TINY.double_blocks,
        num_single_layers=TINY.single_blocks,
        attention_head_dim=16,
        num_attention_heads=4,
        joint_attention_dim=TINY.text_dim,
        mlp_ratio=TINY.mlp_ratio,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )
    picture = image_tokens + reference_tokens
    counter = FlopCounterMode(display=False)
    # The counter does not know the CPU's fused attention, so it gets to see the two products.
    with torch.no_grad(), sdpa_kernel(SDPBackend.MATH), counter:
        transformer(
            hidden_states=torch.zeros(1, picture, TINY.in_channels),
            encoder_hidden_states=torch.zeros(1, TINY.text_tokens, TINY.text_dim),
            timestep=torch.ones(1),
            img_ids=torch.zeros(picture, 4),
            txt_ids=torch.zeros(TINY.text_tokens, 4),
        )
    assert forward_flops(TINY, image_tokens, reference_tokens) == counter.get_total_flops()


def test_a_guided_step_is_two_forwards_and_a_distilled_one_is_one() -> None:
    assert cost_shared(plan("baseline")).forwards == 2 * 28
    assert cost_shared(plan("baseline", distilled=True)).forwards == 28


def test_an_edit_pays_for_the_picture_that_it_looks_at() -> None:
    plain = forward_flops(TINY, 64)
    edited = forward_flops(TINY, 64, 64)
    assert cost_shared(plan("edit")) == Cost(forwards=4 * 28, flops=2 * 28 * (plain + edited))


def test_a_thumbnail_is_cheaper_than_the_sandwich_that_it_replaces() -> None:
    small = cost_shared(plan("thumbnail"))
    whole = cost_shared(plan("sandwich-0.8"))
    assert small.forwards == whole.forwards
    assert whole.flops - small.flops == 56 * (forward_flops(TINY, 64) - forward_flops(TINY, 16))


def test_shared_cells_cost_less_together_than_alone() -> None:
    both = plan("lora", "sandwich")
    lora, sandwich = (cost_alone(both, cell) for cell in both.cells)
    assert (lora.forwards, sandwich.forwards) == (56, 108)
    assert cost_all_alone(both) == lora + sandwich
    assert cost_shared(both).flops == sandwich.flops


def test_what_was_not_measured_stays_unknown() -> None:
    planned = Cost(forwards=2, flops=10)
    timed = planned.measured(seconds=1800, dollars_per_hour=0.22)
    assert timed == Cost(forwards=2, flops=10, seconds=1800, dollars=timed.dollars)
    assert timed.dollars == pytest.approx(0.11)
    assert planned.measured(seconds=1, dollars_per_hour=None).dollars is None
    assert (planned + timed).seconds is None
    assert timed + NOTHING == timed
