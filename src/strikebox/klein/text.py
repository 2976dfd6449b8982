"""Prompts to embeddings, as diffusers' klein pipeline makes them, each prompt once."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import final

import torch
from diffusers.hooks import apply_group_offloading
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase, Qwen3ForCausalLM
from transformers.models.qwen3.modeling_qwen3 import Qwen3Model

_BATCH = 16  # prompts a forward


@final
class PromptEncoder:
    """Embeds prompts and remembers the latest `capacity` of them.

    The hidden states of `layers` (0 is the token embedding) of the text encoder are concatenated; prompts are
    padded or cut to `tokens`, and pads are part of the embedding. Layers after the last one used are dropped
    from `text_encoder`, which changes nothing in the result and leaves it unfit for writing text.
    """

    def __init__(
        self,
        text_encoder: Qwen3ForCausalLM,
        tokenizer: PreTrainedTokenizerBase,
        *,
        tokens: int,
        layers: Sequence[int],
        capacity: int = 64,
        device: torch.device | None = None,
    ) -> None:
        """`device`: where it computes; None: where the text encoder is.

        A text encoder that is elsewhere is copied there layer by layer, each time it is needed.
        """
        self._model = trimmed(text_encoder.model, max(layers))
        self._device = device or self._model.device
        if self._device.type != self._model.device.type:  # not the index: `cuda` is `cuda:0` to a tensor
            # One layer is copied while the one before computes.
            apply_group_offloading(
                self._model,
                onload_device=self._device,
                offload_device=self._model.device,
                offload_type="leaf_level",
                use_stream=self._device.type == "cuda",
            )
        self._tokenizer = tokenizer
        self._tokens = tokens
        self._layers = tuple(layers)
        self._capacity = capacity
        self._known: OrderedDict[str, Tensor] = OrderedDict()

    @torch.inference_mode()
    def __call__(self, prompts: Sequence[str]) -> Tensor:
        """Embeddings of `prompts`: (n, tokens, layers x hidden size), in the text encoder's dtype."""
        new = [prompt for prompt in dict.fromkeys(prompts) if prompt not in self._known]
        fresh = {p: self._known[p] for p in prompts if p in self._known}
        for start in range(0, len(new), _BATCH):
            chunk = new[start : start + _BATCH]
            fresh.update(zip(chunk, self._encode(chunk), strict=True))
        self._remember(fresh)
        return torch.stack([fresh[prompt] for prompt in prompts])

    def _remember(self, embeddings: dict[str, Tensor]) -> None:
        for prompt, embedding in embeddings.items():
            self._known[prompt] = embedding
            self._known.move_to_end(prompt)
        while len(self._known) > self._capacity:
            self._known.popitem(last=False)

    def _encode(self, prompts: Sequence[str]) -> Tensor:
        inputs = self._tokenizer(
            [self._in_chat(prompt) for prompt in prompts],
            return_tensors="pt",
            padding="max_length",
            truncation=True,
            max_length=self._tokens,
        ).to(self._device)
        states = self._model(
            input_ids=inputs["input_ids"],
            attention_mask=inputs["attention_mask"],
            output_hidden_states=True,
            use_cache=False,
        ).hidden_states
        return torch.cat([states[k] for k in self._layers], dim=-1)

    def _in_chat(self, prompt: str) -> str:
        text = self._tokenizer.apply_chat_template(
            [{"role": "user", "content": prompt}],
            tokenize=False,
            add_generation_prompt=True,
            enable_thinking=False,
        )
        return str(text)


def trimmed(model: Qwen3Model, last: int) -> Qwen3Model:
    """`model` without the layers after hidden state `last`.

    The model normalises what it returns last, which hidden state `last` is only in a model of that depth.
    """
    if last < len(model.layers):
        model.layers = model.layers[:last]
        model.norm = nn.Identity()  # pyright: ignore[reportAttributeAccessIssue]
    return model
