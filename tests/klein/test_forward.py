"""What is computed once, or replayed, gives the bits of what is computed every time."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from diffusers import Flux2Transformer2DModel
from torch import Tensor

from strikebox.klein.forward import (
    Conditions,
    Forward,
    Inputs,
    OnceForward,
    PlainForward,
    Run,
    timesteps,
)
from strikebox.klein.sampler import positions
from strikebox.klein.speed.graphs import Graphs, Replay

SIGMAS = (0.95, 0.6, 0.2)


@pytest.fixture(params=[torch.float32, torch.bfloat16], ids=["float32", "bfloat16"])
def transformer(request: pytest.FixtureRequest, tiny: Path) -> Iterator[Flux2Transformer2DModel]:
    model = Flux2Transformer2DModel.from_pretrained(tiny / "transformer", dtype=request.param)
    with torch.inference_mode():
        yield model.eval()


def given(
    model: Flux2Transformer2DModel, seed: int = 0, side: int = 4, rows: int = 3, reference: int = 0
) -> Conditions:
    generator = torch.Generator().manual_seed(seed)
    text = torch.randn(rows, 12, 96, generator=generator).to(model.dtype)
    device = torch.device("cpu")
    ids = [positions(0, side, side, 1, device)]
    if reference:
        ids.append(positions(10, reference, reference, 1, device))
    return Conditions(
        text=text,
        text_ids=positions(0, 1, 1, 12, device),
        image_ids=torch.cat(ids),
        times=timesteps(SIGMAS, model.dtype, device),
        grid=(12, side, side, reference),
    )


def velocities(forward: Forward, conditions: Conditions, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    step = forward.begin(conditions)
    made: list[Tensor] = []
    for number in range(len(SIGMAS)):
        tokens = torch.randn(len(conditions.text), len(conditions.image_ids), 16, generator=generator)
        made.append(step(tokens.to(conditions.text), number).clone())
    return torch.stack(made)


def eager(run_: Run, buffers: Inputs) -> Replay:
    """In place of a CUDA graph: runs again on whatever lies in the buffers."""
    return lambda: run_(buffers)


@pytest.mark.parametrize("reference", [0, 2])
def test_once_is_every_time(transformer: Flux2Transformer2DModel, reference: int) -> None:
    conditions = given(transformer, reference=reference)
    plain = velocities(PlainForward(transformer), conditions)
    assert torch.equal(velocities(OnceForward(transformer), conditions), plain)


def test_one_forward_serves_many_sizes_and_prompts(transformer: Flux2Transformer2DModel) -> None:
    """What is remembered of one pass never shows in another."""
    once, plain = OnceForward(transformer), PlainForward(transformer)
    for side, seed, reference in [(4, 0, 0), (2, 1, 0), (4, 2, 0), (4, 3, 2), (4, 4, 3), (4, 0, 0)]:
        conditions = given(transformer, seed=seed, side=side, reference=reference)
        assert torch.equal(velocities(once, conditions), velocities(plain, conditions))


def test_weights_that_change_between_passes_are_seen(transformer: Flux2Transformer2DModel) -> None:
    once, conditions = OnceForward(transformer), given(transformer)
    before = velocities(once, conditions)
    transformer.context_embedder.weight.data.mul_(1.5)
    transformer.x_embedder.weight.data.mul_(0.5)
    after = velocities(once, conditions)
    assert not torch.equal(after, before)
    assert torch.equal(after, velocities(PlainForward(transformer), conditions))


def test_graphs_read_what_each_step_and_pass_brings(transformer: Flux2Transformer2DModel) -> None:
    captured: list[tuple[int, ...]] = []

    def capture(run_: Run, buffers: Inputs) -> Replay:
        captured.append(tuple(buffers.tokens.shape))
        return eager(run_, buffers)

    graphs = OnceForward(transformer, Graphs(capture))
    for seed in (0, 1, 2):
        conditions = given(transformer, seed=seed)
        assert torch.equal(velocities(graphs, conditions), velocities(PlainForward(transformer), conditions))
    velocities(graphs, given(transformer, side=2))
    assert captured == [(3, 16, 16), (3, 4, 16)], "one graph a shape"


def test_large_forwards_are_no_graphs(transformer: Flux2Transformer2DModel) -> None:
    def capture(run_: Run, buffers: Inputs) -> Replay:
        raise AssertionError("captured")

    graphs = OnceForward(transformer, Graphs(capture, most_tokens=3 * (16 + 12) - 1))
    conditions = given(transformer)
    assert torch.equal(velocities(graphs, conditions), velocities(PlainForward(transformer), conditions))


def test_few_graphs_are_kept(transformer: Flux2Transformer2DModel) -> None:
    runner = Graphs(eager)
    forward = OnceForward(transformer, runner)
    for side in range(1, 12):
        velocities(forward, given(transformer, side=side, rows=1))
    assert len(runner._captured) == 6


@pytest.mark.parametrize("runner", [None, Graphs(eager)], ids=["eager", "graphs"])
def test_steps_that_reuse_features_run_the_first_block_alone(
    transformer: Flux2Transformer2DModel, runner: Graphs | None
) -> None:
    """The same step again is the same velocity; a computed step after it is that of every time."""
    masked = OnceForward(transformer, runner, lambda steps: [True, False, True][:steps])
    ran: list[object] = []
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        block.register_forward_hook(lambda block, *_: ran.append(block))
    step, plain = (forward.begin(given(transformer)) for forward in (masked, PlainForward(transformer)))
    tokens = torch.randn(3, 16, 16, generator=torch.Generator().manual_seed(1)).to(transformer.dtype)
    first = step(tokens, 0).clone()
    ran.clear()
    again = step(tokens, 1).clone()
    assert ran == [transformer.transformer_blocks[0]]
    step(tokens, 2)
    right = [plain(tokens, number) for number in (0, 2)]
    assert torch.equal(first, right[0]) and torch.equal(step(tokens, 2), right[1])
    assert not torch.equal(again, first), "the first block sees the step's own time"
