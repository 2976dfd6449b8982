"""klein-nano's tokenizer: lower-cased BPE over captions in English and Russian, with a chat template.

The template writes <s> and </s>, so the tokenizer has no post-processor; padding is on the right.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

VOCABULARY = 3600
TEXT_TOKENS = 24
PAD, UNKNOWN, START, END = "<pad>", "<unk>", "<s>", "</s>"
_TEMPLATE = "{% for m in messages %}{{ '<s>' + m['content'] + '</s>' }}{% endfor %}"
_LETTERS = "abcdefghijklmnopqrstuvwxyzабвгдеёжзийклмнопрстуфхцчшщъыьэюя0123456789.,'-!?():"


def train_tokenizer(captions: Iterable[str]) -> PreTrainedTokenizerFast:
    core = Tokenizer(models.BPE(unk_token=UNKNOWN))
    core.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    special = [PAD, UNKNOWN, START, END]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=special, initial_alphabet=sorted(_LETTERS), show_progress=False
    )
    core.train_from_iterator(captions, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token=PAD, unk_token=UNKNOWN, bos_token=START, eos_token=END,
        padding_side="right", model_max_length=TEXT_TOKENS,
    )  # fmt: skip
    tokenizer.chat_template = _TEMPLATE
    return tokenizer


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast.from_pretrained(folder)


def encode(tokenizer: PreTrainedTokenizerFast, captions: list[str]) -> list[list[int]]:
    """Token ids as the stock pipeline makes them: template, cut and padded to `TEXT_TOKENS`."""
    batch = tokenizer(
        [f"{START}{caption}{END}" for caption in captions], padding="max_length", truncation=True, max_length=TEXT_TOKENS
    )
    return batch["input_ids"]
