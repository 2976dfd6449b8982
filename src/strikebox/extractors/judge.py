"""The judge: which of some names fits a picture best. The embedded one, or any CLIP, SigLIP or dual encoder.

Radford et al., "Learning transferable visual models from natural language supervision", 2021 (CLIP).
"""

from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from transformers import (
    AutoTokenizer,
    CLIPModel,
    PreTrainedTokenizerBase,
    SiglipModel,
    VisionTextDualEncoderModel,
)

from strikebox.errors import ExtractorError
from strikebox.extractors import networks
from strikebox.extractors.networks import OPTIONS, WEIGHTS, Eye
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature

_KINDS = {
    "clip": CLIPModel,
    "siglip": SiglipModel,
    "vision-text-dual-encoder": VisionTextDualEncoderModel,
}
_CODE = "1"  # to be raised with any change of the features
NOISE = "texture noise"
"""What the embedded judge was taught to call a picture without a subject."""


def embedded() -> Path:
    """Where the embedded judge lies."""
    return Path(str(files("strikebox") / "embedded" / "judge"))


class ClipJudge:
    """Features of pictures and of words in one space, of unit length."""

    def __init__(self, model: str | Path | None = None, device: str | torch.device = "cpu") -> None:
        """`model` is a directory, a hub id or None: the embedded judge. Raises ExtractorError."""
        directory, self._device = (
            networks.locate(embedded() if model is None else model),
            torch.device(device),
        )
        found = networks.kind(directory)
        if found not in _KINDS:
            raise ExtractorError(f"{directory} is of kind {found}; a judge is of kind {', '.join(_KINDS)}")
        with networks.loading(directory):
            network = _KINDS[found].from_pretrained(directory, **WEIGHTS)
            self._tokenizer = AutoTokenizer.from_pretrained(directory, **OPTIONS)
        networks.frozen(network, self._device)
        self._network, self._eye = network, Eye(directory, self._device)
        self._version = f"{networks.digest(directory)}-{_CODE}"

    @property
    def name(self) -> str:
        return "judge"

    @property
    def version(self) -> str:
        return self._version

    @torch.inference_mode()
    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        """float32 (dim,) a picture, unit length."""
        looked = (self._network.get_image_features(pixel_values=x) for x in self._eye.batches(pictures))
        return [feature for output in looked for feature in networks.unit(output)]

    @torch.inference_mode()
    def words(self, texts: Sequence[str]) -> Feature:
        """float32 (texts, dim), unit length. A text that is too long is cut."""
        if not texts:
            return np.empty((0, self._network.config.projection_dim), np.float32)
        tokens = self._tokenizer(
            [_framed(text, self._tokenizer) for text in texts],
            padding="max_length",
            max_length=self._network.config.text_config.max_position_embeddings,
            truncation=True,
            return_tensors="pt",
        ).to(self._device)
        return networks.unit(self._network.get_text_features(**tokens))


def _framed(text: str, tokenizer: PreTrainedTokenizerBase) -> str:
    """The text between start and end, where the tokenizer does not put them there itself."""
    if tokenizer(text)["input_ids"][-1:] == [tokenizer.eos_token_id]:
        return text
    return f"{tokenizer.bos_token or ''}{text}{tokenizer.eos_token or ''}"
