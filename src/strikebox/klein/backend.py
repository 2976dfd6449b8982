"""The backend for FLUX.2-klein models: passes on a processor or a graphics card."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Self, final

import numpy as np
import torch
from torch import Tensor, nn

from strikebox.errors import LoraError, ModelError
from strikebox.generation.backend import Denoise, Latents, LoraState, Model, Pixels, Size
from strikebox.klein import weights as weights_
from strikebox.klein.adapter import Adapter
from strikebox.klein.autoencoder import Autoencoder
from strikebox.klein.chunks import in_chunks
from strikebox.klein.description import describe
from strikebox.klein.device import pick_device, pick_dtype
from strikebox.klein.sampler import GuidedVelocity, euler
from strikebox.klein.speed import machine, quantising, residence
from strikebox.klein.speed.compiling import CompileError
from strikebox.klein.speed.options import Became, Options
from strikebox.klein.speed.residence import Residence
from strikebox.klein.speed.tiers import PLAIN, Switches, choose, marked
from strikebox.klein.speed.tuning import Sample, Tuned, dtype_of
from strikebox.klein.text import PromptEncoder, trimmed
from strikebox.klein.weights import Weights, placed

_log = logging.getLogger(__name__)
_PIXELS_AT_ONCE = 4 * 1024 * 1024  # through the autoencoder
_PIXELS_AT_ONCE_ON_CPU = 8 * 128 * 128  # more falls out of the cache and is slower


@final
class KleinBackend:
    """A FLUX.2-klein model and at most one LoRA."""

    def __init__(
        self,
        weights: Weights,
        lora: Path | None = None,
        options: Options = Options(),  # noqa: B008  # frozen
        device: torch.device | None = None,
    ) -> None:
        """`weights` lie on `device`, or on the CPU and are moved there as far as there is room.

        Raises LoraError where `lora` does not fit the model.
        """
        profile = weights.profile
        self._device = device or weights.transformer.device
        described = describe(weights.directory)
        wanted, notices = _wanted(options, self._device, dtype_of(weights.transformer))
        trimmed(weights.text_encoder.model, max(profile.text_layers))
        home = _residence(weights, described, lora, wanted, self._device)
        placed(weights, self._device, text=home.text)
        self._transformer = weights.transformer
        self._autoencoder = Autoencoder(weights.vae)
        self._text = PromptEncoder(
            weights.text_encoder,
            weights.tokenizer,
            tokens=profile.text_tokens,
            layers=profile.text_layers,
            device=self._device,
        )
        self._adapter = None
        if lora is not None:
            cpu = None if home.pristine else torch.device("cpu")
            self._adapter = Adapter(weights.transformer, lora, like=quantising.like, home=cpu, sets=home.sets)
        self._at_once: dict[tuple[int, ...], int] = {}
        self._tuned = Tuned(weights.transformer, wanted, self._sample(described))
        self.became = Became(
            switches=self._tuned.switches,
            kernel=self._tuned.kernel,
            notices=(*notices, *self._tuned.notices),
        )
        self._model = _describe(weights, self._adapter, self._tuned.switches)

    @classmethod
    def load(
        cls,
        model: str | Path,
        lora: str | Path | None = None,
        *,
        device: str = "auto",
        dtype: str = "auto",
        options: Options = Options(),  # noqa: B008  # frozen
    ) -> Self:
        """A backend for `model` (directory or hub id) and the LoRA file `lora`.

        Raises ModelError, LoraError or DeviceError.
        """
        place = pick_device(device)
        precision = pick_dtype(dtype, place)
        # What has no room on a card must not be moved there first.
        weights = weights_.load(model, device=torch.device("cpu"), dtype=precision)
        return cls(weights, Path(lora) if lora is not None else None, options, place)

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
        shape = batch[0].latents.shape
        return in_chunks(
            self._denoise_or_uncompiled,
            batch,
            min(len(batch), self._at_once.get(shape, len(batch))),
            lambda fewer: self._at_once.update({shape: fewer}),
        )

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

    def _denoise_or_uncompiled(self, batch: Sequence[Denoise]) -> list[Latents]:
        try:
            return self._denoise(batch)
        except CompileError as error:
            self._tuned.without_compiling(error)
        return self._denoise(batch)

    def _sample(self, described: Model) -> Sample:
        """What the self-check runs on: a guided picture of the model's own size."""
        side = described.pixels_per_token
        shape = (described.size.height // side, described.size.width // side)
        return Sample(lambda: self._text(["a cat", ""]), shape)

    @torch.inference_mode()
    def _denoise(self, batch: Sequence[Denoise]) -> list[Latents]:
        text = self._text([request.prompt for request in batch] + [""])
        references = [request.reference for request in batch if request.reference is not None]
        velocity = GuidedVelocity(
            self._tuned.forward,
            sigmas=batch[0].sigmas,
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


def _wanted(options: Options, device: torch.device, dtype: torch.dtype) -> tuple[Switches, tuple[str, ...]]:
    """The switches asked for, and what this machine cannot do of them."""
    if options.switches is not None:
        return options.switches, ()
    if options.speed is None:
        return PLAIN, ()
    switches, notices = choose(options.speed, machine.look(device, dtype), options.reuse)
    for line in notices:
        _log.warning("%s", line)
    if options.many:
        return switches, notices
    # Compiling takes about 20 s and capturing a large forward 1 s; a picture at full size takes 5.
    return replace(switches, compiled=False, graphs=switches.graphs and "small"), notices


def _describe(weights: Weights, adapter: Adapter | None, switches: Switches) -> Model:
    return replace(
        describe(weights.directory),
        name=weights.profile.name,
        hash=marked(weights.hash, switches),
        lora_name=adapter.header.name if adapter else None,
        lora_hash=adapter.header.hash if adapter else None,
    )


def _residence(
    weights: Weights, model: Model, lora: Path | None, wanted: Switches, device: torch.device
) -> Residence:
    """What lies on `device`."""
    size, numbers = _bytes(weights.transformer), weights.transformer.dtype.itemsize
    runs = size // 2 if wanted.eight else size
    needs = residence.Bytes(
        transformer=runs,
        touched=size if lora else 0,
        set=runs if lora else 0,
        text=_bytes(weights.text_encoder),
        vae=_bytes(weights.vae),
        work=residence.work(model, model.size, 2, numbers),
    )
    return residence.plan(machine.free_memory(device), needs)


def _bytes(network: nn.Module) -> int:
    return sum(weight.numel() * weight.itemsize for weight in network.parameters())
