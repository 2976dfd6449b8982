"""One forward of the transformer: as diffusers runs it, or with what stays the same computed once."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, final

import torch
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from torch import Tensor

_SIZES = 8  # of pictures whose positions are remembered

Step = Callable[[Tensor, int], Tensor]
"""Tokens (rows, positions, channels) and the number of the step -> velocities of the same shape and dtype.

What it returns is overwritten by the next call."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What stays the same through the steps of a pass."""

    text: Tensor  # (rows, text tokens, dim): embeddings of the prompts
    text_ids: Tensor  # (text tokens, 4): coordinates on the RoPE axes
    image_ids: Tensor  # (positions, 4)
    times: Tensor  # (steps,): noise levels in the dtype of the model
    grid: tuple[int, ...]  # sides that the coordinates follow from: equal grids, equal coordinates


class Forward(Protocol):
    """Runs a transformer."""

    def begin(self, conditions: Conditions) -> Step:
        """The steps of one pass. A step of an earlier pass may not be taken any more."""
        ...


@final
class PlainForward:
    """The transformer as diffusers runs it: everything is computed in every step."""

    def __init__(self, transformer: Callable[..., tuple[Tensor, ...]]) -> None:
        self._transformer = transformer

    def begin(self, conditions: Conditions) -> Step:
        def step(tokens: Tensor, number: int) -> Tensor:
            return self._transformer(
                hidden_states=tokens,
                timestep=conditions.times[number : number + 1],
                encoder_hidden_states=conditions.text,
                txt_ids=conditions.text_ids,
                img_ids=conditions.image_ids,
                guidance=None,
                return_dict=False,
            )[0]

        return step


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a step depends on, as tensors alone: what a CUDA graph is captured over."""

    tokens: Tensor  # (rows, positions, channels)
    time: Tensor  # (1,)
    text: Tensor  # (rows, text tokens, inner size): projected
    cosines: Tensor  # (text tokens + positions, head size)
    sines: Tensor
    features: Tensor | None = None  # (rows, positions, inner size): kept for steps that reuse them


Run = Callable[[Inputs], Tensor]
Mask = Callable[[int], Sequence[bool]]
"""The number of steps of a pass -> whether each is computed; one that is not reuses features."""


class Runner(Protocol):
    """Runs steps of one shape, eagerly or from a graph."""

    def begin(self, first: Inputs, ways: Sequence[Run]) -> Sequence[Run]:
        """How to run each of `ways` in the pass whose first inputs are `first`."""
        ...


@final
class OnceForward:
    """Positions and the projection of the text are computed once a pass, and positions once a size.

    The same products in the same order as in `Flux2Transformer2DModel.forward`: the same bits. With a mask
    some steps compute the first block alone and take of the others what they added in the latest computed
    step. Which ones is fixed by their number, never by how much a batch changes, so a picture still does not
    depend on its batch. It does depend on where its pass is cut into segments, since every segment begins
    with computed steps.
    """

    def __init__(
        self, transformer: Flux2Transformer2DModel, runner: Runner | None = None, mask: Mask | None = None
    ) -> None:
        self._transformer, self._runner, self._mask = transformer, runner, mask
        self._rotary: OrderedDict[tuple[int, ...], tuple[Tensor, Tensor]] = OrderedDict()

    def begin(self, conditions: Conditions) -> Step:
        text = self._transformer.context_embedder(conditions.text)
        cosines, sines = self._positions(conditions)
        computed = self._mask(len(conditions.times)) if self._mask else [True] * len(conditions.times)
        features: Tensor | None = None
        ways: Sequence[Run] = [partial(run, self._transformer)]
        if not all(computed):
            features = text.new_empty(len(text), len(conditions.image_ids), text.shape[2])
            ways = [*ways, partial(run_again, self._transformer)]
        runner = self._runner

        def step(tokens: Tensor, number: int) -> Tensor:
            nonlocal ways, runner
            time = conditions.times[number : number + 1]
            inputs = Inputs(tokens, time, text, cosines, sines, features)
            if runner is not None:
                ways, runner = runner.begin(inputs, ways), None
            return ways[0 if computed[number] else 1](inputs)

        return step

    def _positions(self, conditions: Conditions) -> tuple[Tensor, Tensor]:
        """Cosines and sines of text and picture: (text tokens + positions, head size)."""
        if conditions.grid not in self._rotary:
            parts = [self._transformer.pos_embed(ids) for ids in (conditions.text_ids, conditions.image_ids)]
            cosines, sines = (torch.cat(both, dim=0) for both in zip(*parts, strict=True))
            self._rotary[conditions.grid] = (cosines, sines)
        self._rotary.move_to_end(conditions.grid)
        while len(self._rotary) > _SIZES:
            self._rotary.popitem(last=False)
        return self._rotary[conditions.grid]


_Double = Callable[[Any, Tensor, Tensor], tuple[Tensor, Tensor]]
"""A double-stream block, tokens of the text and of the picture -> those after it."""


def run(model: Flux2Transformer2DModel, inputs: Inputs) -> Tensor:
    """Velocities (rows, positions, channels) of `inputs`, whose `features` are filled where there are any."""
    time, double, rotary = _enter(model, inputs)
    length = inputs.text.shape[1]
    first, *others = model.transformer_blocks
    text, hidden = double(first, inputs.text, model.x_embedder(inputs.tokens))
    after_first = hidden
    for block in others:
        text, hidden = double(block, text, hidden)
    hidden, modulation = torch.cat([text, hidden], dim=1), model.single_stream_modulation(time)
    for block in model.single_transformer_blocks:
        hidden = block(
            hidden_states=hidden,
            encoder_hidden_states=None,
            temb_mod=modulation,
            image_rotary_emb=rotary,
            joint_attention_kwargs=None,
        )
    hidden = hidden[:, length:, ...]
    if inputs.features is not None:
        torch.sub(hidden, after_first, out=inputs.features)
    return model.proj_out(model.norm_out(hidden, time))


def run_again(model: Flux2Transformer2DModel, inputs: Inputs) -> Tensor:
    """Velocities as of `run`, with the first block alone computed: the others add their kept features."""
    assert inputs.features is not None
    time, double, _ = _enter(model, inputs)
    _, hidden = double(model.transformer_blocks[0], inputs.text, model.x_embedder(inputs.tokens))
    return model.proj_out(model.norm_out(hidden + inputs.features, time))


def _enter(model: Flux2Transformer2DModel, inputs: Inputs) -> tuple[Tensor, _Double, tuple[Tensor, Tensor]]:
    """The time's embedding, what runs a double-stream block, and the rotary positions."""
    rotary = (inputs.cosines, inputs.sines)
    time = model.time_guidance_embed(inputs.time.to(inputs.tokens.dtype) * 1000, None)
    image_modulation = model.double_stream_modulation_img(time)
    text_modulation = model.double_stream_modulation_txt(time)

    def double(block: Any, text: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        return block(
            hidden_states=hidden,
            encoder_hidden_states=text,
            temb_mod_img=image_modulation,
            temb_mod_txt=text_modulation,
            image_rotary_emb=rotary,
            joint_attention_kwargs=None,
        )

    return time, double, rotary


def timesteps(sigmas: Sequence[float], dtype: torch.dtype, device: torch.device) -> Tensor:
    """(n,): sigmas, rounded as the stock pipeline rounds them, which hands over 1000 sigma in `dtype`.

    One row a step broadcasts over the batch, and the modulation is computed once instead of once a row.
    """
    scaled = torch.tensor(list(sigmas), dtype=torch.float32) * 1000
    return scaled.to(dtype).to(device) / 1000
