"""The backend for FLUX.2-klein models: passes on a processor or a graphics card."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self, final

import numpy as np
import torch
from torch import Tensor

from strikebox.errors import LoraError, ModelError
from strikebox.generation.backend import Denoise, Latents, LoraState, Model, Pixels, Size
from strikebox.klein import weights as weights_
from strikebox.klein.adapter import Adapter
from strikebox.klein.autoencoder import Autoencoder
from strikebox.klein.chunks import in_chunks
from strikebox.klein.description import describe
from strikebox.klein.device import pick_device, pick_dtype
from strikebox.klein.sampler import GuidedVelocity, euler
from strikebox.klein.text import PromptEncoder
from strikebox.klein.weights import Weights

_PIXELS_AT_ONCE = 4 * 1024 * 1024  # through the autoencoder
_PIXELS_AT_ONCE_ON_CPU = 8 * 128 * 128  # more falls out of the cache and is slower


@final
class KleinBackend:
    """A FLUX.2-klein model and at most one LoRA."""

    def __init__(self, weights: Weights, lora: Path | None = None) -> None:
        """Raises LoraError where `lora` does not fit the model."""
        profile = weights.profile
        self._device = weights.transformer.device
        self._transformer = weights.transformer
        self._autoencoder = Autoencoder(weights.vae)
        self._text = PromptEncoder(
            weights.text_encoder, weights.tokenizer, tokens=profile.text_tokens, layers=profile.text_layers
        )
        self._adapter = Adapter(weights.transformer, lora) if lora else None
        self._model = _describe(weights, self._adapter)

    @classmethod
    def load(
        cls, model: str | Path, lora: str | Path | None = None, *, device: str = "auto", dtype: str = "auto"
    ) -> Self:
        """A backend for `model` (directory or hub id) and the LoRA file `lora`.

        Raises ModelError, LoraError or DeviceError.
        """
        place = pick_device(device)
        weights = weights_.load(model, device=place, dtype=pick_dtype(dtype, place))
        return cls(weights, Path(lora) if lora is not None else None)

    @property
    def model(self) -> Model:
        return self._model

    @property
    def adapter(self) -> Adapter | None:
        """The LoRA, if there is one."""
        return self._adapter

    def noise(self, seed: int, size: Size) -> Latents:
        """What the stock pipeline draws in float32 from a CPU generator with this seed.

        Raises ModelError on a size that the model cannot make.
        """
        side = self._model.pixels_per_token
        if min(size.height, size.width) < side or size.height % side or size.width % side:
            raise ModelError(
                f"{self._model.name} cannot make {size.width} x {size.height} pixels: "
                f"sides must be multiples of {side}"
            )
        shape = (1, self._autoencoder.channels, size.height // side, size.width // side)
        generator = torch.Generator("cpu").manual_seed(seed)
        return torch.randn(shape, generator=generator, dtype=torch.float32)[0].numpy()

    def denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        """Raises LoraError where the batch wants a LoRA that is not there, DeviceError for want of memory."""
        if not batch:
            return []
        kinds = {(r.sigmas, r.lora, r.latents.shape, r.reference is None) for r in batch}
        if len(kinds) > 1:
            raise ValueError("a batch must agree in sigmas, LoRA state, shape and having a reference")
        self._set_lora(batch[0].lora)
        return in_chunks(self._denoise, batch, len(batch))

    @torch.inference_mode()
    def decode(self, latents: Sequence[Latents]) -> list[Pixels]:
        """Raises DeviceError for want of memory."""
        chunk = self._pictures_at_once(latents, self._model.pixels_per_token**2)
        return in_chunks(lambda some: self._autoencoder.decode(self._tensor(some)), latents, chunk)

    @torch.inference_mode()
    def encode(self, pictures: Sequence[Pixels]) -> list[Latents]:
        """Raises DeviceError for want of memory."""
        chunk = self._pictures_at_once([picture[None, :, :, 0] for picture in pictures], 1)
        return in_chunks(lambda some: _arrays(self._autoencoder.encode(some)), pictures, chunk)

    @torch.inference_mode()
    def _denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        text = self._text([request.prompt for request in batch] + [""])
        references = [request.reference for request in batch if request.reference is not None]
        velocity = GuidedVelocity(
            self._transformer,
            text=text[:-1],
            empty=text[-1:],
            guidance=[1.0 if self._model.distilled else request.guidance for request in batch],
            shape=(batch[0].latents.shape[1], batch[0].latents.shape[2]),
            reference=self._tensor(references) if references else None,
        )
        latents = self._tensor([request.latents for request in batch])
        return _arrays(euler(velocity, latents, batch[0].sigmas))

    def _set_lora(self, state: LoraState | None) -> None:
        if self._adapter is not None:
            self._adapter.set(state)
        elif state is not None:
            raise LoraError("the recipe uses a LoRA and none was given; give one with --lora")

    def _pictures_at_once(self, planes: Sequence[np.ndarray], pixels: int) -> int:
        limit = _PIXELS_AT_ONCE_ON_CPU if self._device.type == "cpu" else _PIXELS_AT_ONCE
        return max(1, limit // (planes[0][0].size * pixels)) if planes else 1

    def _tensor(self, arrays: Sequence[Latents]) -> Tensor:
        return torch.from_numpy(np.stack(arrays)).to(self._device)


def _arrays(tensor: Tensor) -> list[Latents]:
    return list(tensor.float().cpu().numpy())


def _describe(weights: Weights, adapter: Adapter | None) -> Model:
    return replace(
        describe(weights.directory),
        name=weights.profile.name,
        hash=weights.hash,
        lora_name=adapter.header.name if adapter else None,
        lora_hash=adapter.header.hash if adapter else None,
    )
