"""Embeddings equal the stock pipeline's to the last bit, with fewer layers run and each prompt run once."""

from pathlib import Path

import pytest
import torch
from diffusers import Flux2KleinPipeline
from transformers import PreTrainedTokenizerFast, Qwen3ForCausalLM

from strikebox.klein.text import PromptEncoder

PROMPTS = ["cat", "", "a dog, matchbox style", "owl " * 30]


@pytest.fixture
def parts(tiny: Path) -> tuple[Qwen3ForCausalLM, PreTrainedTokenizerFast]:
    encoder = Qwen3ForCausalLM.from_pretrained(tiny / "text_encoder").eval()
    return encoder, PreTrainedTokenizerFast.from_pretrained(tiny / "tokenizer")


@pytest.mark.parametrize("layers", [(1, 2, 4), (0, 3, 5), (2, 6), (5,)])
def test_embeddings_are_those_of_stock(
    parts: tuple[Qwen3ForCausalLM, PreTrainedTokenizerFast], layers: tuple[int, ...]
) -> None:
    """Also where the last layer is used, whose hidden state the model normalises (6 of 6)."""
    encoder, tokenizer = parts
    with torch.no_grad():
        stock = Flux2KleinPipeline._get_qwen3_prompt_embeds(
            encoder, tokenizer, PROMPTS, max_sequence_length=12, hidden_states_layers=list(layers)
        )
    ours = PromptEncoder(encoder, tokenizer, tokens=12, layers=layers)(PROMPTS)
    assert torch.equal(ours, stock)


def test_layers_after_the_last_one_used_are_dropped(
    parts: tuple[Qwen3ForCausalLM, PreTrainedTokenizerFast],
) -> None:
    encoder, tokenizer = parts
    PromptEncoder(encoder, tokenizer, tokens=12, layers=(1, 2, 4))
    assert len(encoder.model.layers) == 4


def test_a_prompt_is_encoded_once_while_it_is_remembered(
    parts: tuple[Qwen3ForCausalLM, PreTrainedTokenizerFast],
) -> None:
    encoder, tokenizer = parts
    encode = PromptEncoder(encoder, tokenizer, tokens=12, layers=(1, 2, 4), capacity=2)
    seen: list[int] = []
    encoder.model.register_forward_hook(lambda _module, _inputs, states: seen.append(len(states[0])))
    first = encode(["cat", "dog", "cat"])
    assert torch.equal(first[0], first[2])
    encode(["dog", "cat"])
    assert seen == [2]
    encode(["fox"])  # drops the one used longest ago: dog
    encode(["cat"])
    assert seen == [2, 1]
    encode(["dog"])
    assert seen == [2, 1, 1]


def test_more_prompts_than_it_remembers(parts: tuple[Qwen3ForCausalLM, PreTrainedTokenizerFast]) -> None:
    encoder, tokenizer = parts
    small = PromptEncoder(encoder, tokenizer, tokens=12, layers=(1, 2, 4), capacity=1)
    together = small(["cat", "dog", "fox"])
    torch.testing.assert_close(together, torch.cat([small([p]) for p in ("cat", "dog", "fox")]))


def test_the_number_of_a_device_does_not_make_it_another(
    parts: tuple[Qwen3ForCausalLM, PreTrainedTokenizerFast],
) -> None:
    """Copying eight gigabytes of layers for each new prompt takes a quarter of a second."""
    encoder, tokenizer = parts
    PromptEncoder(encoder, tokenizer, tokens=12, layers=(1, 2, 4), device=torch.device("cpu", 0))
    assert not any(hasattr(module, "_diffusers_hook") for module in encoder.modules())
