"""The transformer's blocks with few kernels between their products: the arithmetic of diffusers' blocks.

It compiles in seconds, where torch's compiler takes half a minute, and is faster at full size. In 8 bits,
attention may take 8-bit floats too. FlashAttention-3 (arXiv 2407.08608), section 3.3, says what that costs:
queries and keys come out of an RMS norm, so 8 bits hold them as they are; values get a step a picture and
head, which passes through the weighted mean, so a picture does not depend on what it is batched with.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from diffusers.models.transformers.transformer_flux2 import Flux2Modulation, Flux2Transformer2DModel
from torch import Tensor, nn

from strikebox.klein.speed import kernels
from strikebox.klein.speed.attention import Kernel
from strikebox.klein.speed.products import EIGHT, product, taken

Rotary = tuple[Tensor, Tensor]
"""Cosines and sines (tokens, head size)."""


@dataclass(frozen=True, slots=True)
class Attention:
    """How the blocks attend."""

    kernel: Kernel
    eight: bool = False  # the kernel takes and gives 8-bit floats


@dataclass(frozen=True, slots=True)
class _Stream:
    """Projections of one kind of tokens, (rows, tokens, heads, head size), and the norms of the first two."""

    query: Tensor
    key: Tensor
    value: Tensor
    norms: tuple[Any, Any]


def use(transformer: Flux2Transformer2DModel, attention: Attention) -> None:
    """Run every block of `transformer` so, attending by `attention`."""
    for block in transformer.transformer_blocks:
        block.forward = partial(double, block, attention)
    for block in transformer.single_transformer_blocks:
        block.forward = partial(single, block, attention)


def undo(transformer: Flux2Transformer2DModel) -> None:
    """Run them as diffusers does."""
    for block in (*transformer.transformer_blocks, *transformer.single_transformer_blocks):
        block.__dict__.pop("forward", None)


def single(
    block: Any,
    attention: Attention,
    hidden_states: Tensor,
    encoder_hidden_states: Tensor | None,
    temb_mod: Tensor,
    image_rotary_emb: Rotary,
    joint_attention_kwargs: None = None,
) -> Tensor:
    """A single-stream block: text and picture in one row of tokens, feed-forward beside attention."""
    assert encoder_hidden_states is None and not joint_attention_kwargs
    attn, (shift, scale, gate) = block.attn, Flux2Modulation.split(temb_mod, 1)[0]
    into, out = attn.to_qkv_mlp_proj, attn.to_out
    entered = kernels.normed(hidden_states, shift, scale, block.norm.eps, taken(into))
    projected = product(into, entered)
    size = attn.inner_dim
    *parts, wide = projected.split([size, size, size, projected.shape[-1] - 3 * size], dim=-1)
    heads = [part.unflatten(-1, (-1, attn.head_dim)) for part in parts]
    stream = _Stream(*heads, norms=(attn.norm_q, attn.norm_k))
    attended, steps = _attend([stream], image_rotary_emb, attention)
    update = product(out, kernels.gathered(attended, steps, wide, taken(out)))
    return kernels.added(hidden_states, gate, update)


def double(
    block: Any,
    attention: Attention,
    hidden_states: Tensor,
    encoder_hidden_states: Tensor,
    temb_mod_img: Tensor,
    temb_mod_txt: Tensor,
    image_rotary_emb: Rotary,
    joint_attention_kwargs: None = None,
) -> tuple[Tensor, Tensor]:
    """A double-stream block: text and picture have weights of their own and attend to each other.

    Returns the text's tokens and the picture's.
    """
    assert not joint_attention_kwargs
    attn = block.attn
    text = _Side(block, "_context", temb_mod_txt)
    picture = _Side(block, "", temb_mod_img)
    streams = [
        text.project(
            encoder_hidden_states,
            (attn.add_q_proj, attn.add_k_proj, attn.add_v_proj),
            (attn.norm_added_q, attn.norm_added_k),
        ),
        picture.project(hidden_states, (attn.to_q, attn.to_k, attn.to_v), (attn.norm_q, attn.norm_k)),
    ]
    attended, steps = _attend(streams, image_rotary_emb, attention)
    length = encoder_hidden_states.shape[1]
    return (
        text.finish(encoder_hidden_states, attended[:, :length], steps, attn.to_add_out),
        picture.finish(hidden_states, attended[:, length:], steps, attn.to_out[0]),
    )


class _Side:
    """One of the two streams of a double-stream block."""

    def __init__(self, block: Any, suffix: str, modulation: Tensor) -> None:
        self._head_dim: int = block.attn.head_dim
        self._norms = getattr(block, f"norm1{suffix}"), getattr(block, f"norm2{suffix}")
        self._feed_forward = getattr(block, f"ff{suffix}")
        (self._shift, self._scale, self._gate), self._second = Flux2Modulation.split(modulation, 2)

    def project(self, hidden: Tensor, layers: Sequence[nn.Linear], norms: tuple[Any, Any]) -> _Stream:
        eps, dtype = self._norms[0].eps, taken(layers[0])
        entered = kernels.normed(hidden, self._shift, self._scale, eps, dtype)
        heads = [product(layer, entered).unflatten(-1, (-1, self._head_dim)) for layer in layers]
        return _Stream(*heads, norms=norms)

    def finish(self, hidden: Tensor, attended: Tensor, steps: Tensor | None, out: nn.Linear) -> Tensor:
        """`hidden` after attention and the feed-forward."""
        update = product(out, kernels.gathered(attended, steps, None, taken(out)))
        (shift, scale, gate), eps = self._second, self._norms[1].eps
        first, last = self._feed_forward.linear_in, self._feed_forward.linear_out
        hidden, entered = kernels.added_and_normed(
            hidden, self._gate, update, shift, scale, eps, taken(first)
        )
        wide = product(first, entered)
        update = product(last, kernels.gathered(None, None, wide, taken(last)))
        return kernels.added(hidden, gate, update)


def _attend(streams: Sequence[_Stream], rotary: Rotary, attention: Attention) -> tuple[Tensor, Tensor | None]:
    """All tokens attend to all: (rows, tokens, heads, head size), and (rows, heads) steps of 8-bit floats."""
    query, key = _turned(streams, rotary, EIGHT if attention.eight else streams[0].query.dtype)
    if attention.eight:
        value, steps = _shrunk(streams, torch.empty_like(query))
    else:
        values = [stream.value for stream in streams]
        value, steps = values[0] if len(values) == 1 else torch.cat(values, dim=1), None
    attended = attention.kernel(query, key, value)
    whole = attended.stride()[2:] == (attended.shape[-1], 1)
    return attended if whole else attended.contiguous(), steps


def _turned(streams: Sequence[_Stream], rotary: Rotary, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Queries and keys of all tokens, normed, with their positions."""
    rows, _, heads, size = streams[0].query.shape
    shape = (rows, sum(stream.query.shape[1] for stream in streams), heads, size)
    query, key = (torch.empty(shape, device=streams[0].query.device, dtype=dtype) for _ in range(2))
    for first, stream in _placed(streams):
        for values, norm, into in (
            (stream.query, stream.norms[0], query),
            (stream.key, stream.norms[1], key),
        ):
            kernels.turned(values, norm.weight, norm.eps, rotary, into, first)
    return query, key


def _shrunk(streams: Sequence[_Stream], into: Tensor) -> tuple[Tensor, Tensor]:
    """Values of all tokens in 8 bits, and their steps (rows, heads): the largest of each head is 448."""
    steps = torch.stack([kernels.head_steps(stream.value) for stream in streams]).amax(dim=0)
    for first, stream in _placed(streams):
        kernels.shrunk(stream.value, steps, into, first)
    return into, steps


def _placed(streams: Sequence[_Stream]) -> Iterator[tuple[int, _Stream]]:
    """Each stream with the number of its first token."""
    first = 0
    for stream in streams:
        yield first, stream
        first += stream.query.shape[1]
