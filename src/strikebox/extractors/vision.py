"""Features of a vision network of the transformers library: DINOv2, ViT, the eyes of CLIP or SigLIP."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, CLIPVisionModel, SiglipVisionModel

from strikebox.errors import ExtractorError
from strikebox.extractors import networks
from strikebox.extractors.networks import WEIGHTS, Eye
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature

_EYES = {"clip": CLIPVisionModel, "siglip": SiglipVisionModel}
"""Of models that read as well as look."""
_CODE = "1"  # to be raised with any change of the features
_POOLER = "pooler."
_GREY = np.full((64, 64, 3), 128, np.uint8)


class Vision:
    """Pooled features of a network, float32 (dim,), unit length."""

    def __init__(self, model: str | Path, device: str | torch.device = "cpu") -> None:
        """`model` is a directory or a hub id. Raises ExtractorError where it cannot look at pictures."""
        directory, self._device = networks.locate(model), torch.device(device)
        family: Any = _EYES.get(networks.kind(directory), AutoModel)
        with networks.loading(directory):
            network, report = family.from_pretrained(directory, **WEIGHTS, output_loading_info=True)
        self._network, self._eye = networks.frozen(network, self._device), Eye(directory, self._device)
        self._pools = _has_pooler(directory, report["missing_keys"])
        self._version = f"{networks.digest(directory)}-{_CODE}"
        self._try(directory)

    @property
    def name(self) -> str:
        return "vision"

    @property
    def version(self) -> str:
        return self._version

    @torch.inference_mode()
    def __call__(self, pictures: Sequence[Pixels]) -> list[Feature]:
        looked = (self._network(pixel_values=batch) for batch in self._eye.batches(pictures))
        return [feature for output in looked for feature in networks.unit(self._pooled(output))]

    def _pooled(self, output: Any) -> torch.Tensor:
        pooled = output.get("pooler_output")
        return output.last_hidden_state[:, 0] if pooled is None or not self._pools else pooled

    def _try(self, directory: Path) -> None:
        """A network that needs more than pictures says so now and not after an hour of generation."""
        with networks.loading(directory):
            self([_GREY])


def _has_pooler(directory: Path, missing: Sequence[str]) -> bool:
    """Whether pooled outputs are trained: a checkpoint made for classifying brings none, and a random one is
    put in its place. Raises ExtractorError where more is missing."""
    if others := [key for key in missing if not key.startswith(_POOLER)]:
        raise ExtractorError(f"{directory} is incomplete: no weights for {sorted(others)[0]}")
    return not missing
