"""The sandwich by stock diffusers: as a user would write it, and as well as it can be written by hand."""

import io
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, final

import torch
from diffusers.pipelines.flux2.pipeline_flux2_klein import Flux2KleinPipeline
from diffusers.pipelines.flux2.pipeline_flux2_klein_inpaint import Flux2KleinInpaintPipeline
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from PIL import Image
from torch import Tensor

from strikebox import flow
from strikebox.generation.segments import noise_seed
from strikebox.klein.bench.work import Work
from strikebox.klein.speed import attention
from strikebox.klein.weights import Weights

_LORA = "style"


class _Pipelines:
    """Stock pipelines over one set of weights, the LoRA loaded beside them."""

    def __init__(
        self, weights: Weights, lora: Path | None, scheduler: FlowMatchEulerDiscreteScheduler, work: Work
    ) -> None:
        self.work, self.profile, self.lora = work, weights.profile, lora
        parts: dict[str, Any] = {
            "scheduler": scheduler,
            "vae": weights.vae,
            "text_encoder": weights.text_encoder,
            "tokenizer": weights.tokenizer,
            "transformer": weights.transformer,
        }
        # Another model in this process may have made its kernel every model's default.
        attention.use(weights.transformer, attention.DEFAULT)
        # Their calls are not typed for what they take.
        self.first: Any = Flux2KleinPipeline(**parts)
        self.second: Any = Flux2KleinInpaintPipeline(**parts)
        for pipeline in (self.first, self.second):
            pipeline.set_progress_bar_config(disable=True)
        if lora is not None:
            self.first.load_lora_weights(str(lora.parent), weight_name=lora.name, adapter_name=_LORA)

    def set_lora(self, scale: float | None) -> None:
        if self.lora is None:
            return
        if scale is None:
            self.first.disable_lora()
        else:
            self.first.enable_lora()
            self.first.set_adapters(_LORA, scale)

    def options(self, side: int, seeds: Sequence[int]) -> dict[str, Any]:
        return {
            "prompt": [self.work.prompt(seeds)] * len(seeds),
            "height": side,
            "width": side,
            "num_inference_steps": self.work.steps,
            "guidance_scale": self.work.guidance,
            "generator": [torch.Generator("cpu").manual_seed(seed) for seed in seeds],
            "max_sequence_length": self.profile.text_tokens,
            "text_encoder_out_layers": self.profile.text_layers,
        }


@final
class StockSandwich:
    """Two pipelines, one after the other: text-to-image with the LoRA, inpainting all of it without."""

    def __init__(
        self, weights: Weights, lora: Path | None, scheduler: FlowMatchEulerDiscreteScheduler, work: Work
    ) -> None:
        self._pipes = _Pipelines(weights, lora, scheduler, work)
        self.notes = ("text-to-image with an unfused LoRA, then inpainting at the recipe's strength",)

    def __call__(self, side: int, seeds: Sequence[int]) -> list[bytes]:
        """PNG files of pictures of `side` px, one a seed."""
        pipes = self._pipes
        pipes.set_lora(pipes.work.lora_scale)
        painted = pipes.first(**pipes.options(side, seeds)).images
        pipes.set_lora(None)
        masks = [Image.new("L", (side, side), 255)] * len(seeds)
        options = pipes.options(side, seeds) | {"strength": pipes.work.strength}
        redrawn: Any = pipes.second(image=painted, mask_image=masks, **options)
        return [_png(picture) for picture in redrawn.images]


@final
class FairSandwich:
    """By hand over the same parts: no reference tokens, latents handed over, prompts encoded once."""

    def __init__(
        self, weights: Weights, lora: Path | None, scheduler: FlowMatchEulerDiscreteScheduler, work: Work
    ) -> None:
        self._pipes = _Pipelines(weights, lora, scheduler, work)
        self._transformer = weights.transformer
        self.notes = (
            "by hand: no reference tokens, latents handed over, guidance in one batch, not compiled",
        )

    @torch.inference_mode()
    def __call__(self, side: int, seeds: Sequence[int]) -> list[bytes]:
        """PNG files of pictures of `side` px, one a seed."""
        pipes, work = self._pipes, self._pipes.work
        text, text_ids = self._text(seeds)
        noises = [self._noise(side, seed) for seed in seeds]
        ids = pipes.first._prepare_latent_ids(noises[0])[0].to(text.device)
        tokens = torch.cat([pipes.first._pack_latents(noise) for noise in noises]).to(text)
        sigmas = flow.schedule(work.steps, flow.time_shift(tokens.shape[1], work.steps))
        pipes.set_lora(work.lora_scale)
        painted = self._denoise(tokens, sigmas, text, text_ids, ids)
        pipes.set_lora(None)
        start = int(work.steps - work.steps * work.strength)
        again = torch.cat([pipes.first._pack_latents(self._noise(side, noise_seed(s, 1))) for s in seeds])
        mixed = (1 - sigmas[start]) * painted + sigmas[start] * again.to(text)
        redrawn = self._denoise(mixed.to(tokens), sigmas[start:], text, text_ids, ids)
        return self._decode(redrawn, ids)

    def _text(self, seeds: Sequence[int]) -> tuple[Tensor, Tensor]:
        pipes = self._pipes
        options: dict[str, Any] = {
            "max_sequence_length": pipes.profile.text_tokens,
            "text_encoder_out_layers": pipes.profile.text_layers,
        }
        text, text_ids = pipes.first.encode_prompt([pipes.work.prompt(seeds), ""], **options)
        return text.repeat_interleave(len(seeds), dim=0), text_ids[0]

    def _noise(self, side: int, seed: int) -> Tensor:
        channels = self._transformer.config["in_channels"]
        places = side // (2 * self._pipes.first.vae_scale_factor)
        generator = torch.Generator("cpu").manual_seed(seed)
        return torch.randn((1, channels, places, places), generator=generator)

    def _denoise(
        self, tokens: Tensor, sigmas: Sequence[float], text: Tensor, text_ids: Tensor, ids: Tensor
    ) -> Tensor:
        guidance = self._pipes.work.guidance
        for sigma, following in pairwise(sigmas):
            velocity = self._transformer(
                hidden_states=torch.cat([tokens, tokens]),
                timestep=torch.tensor([sigma], device=tokens.device, dtype=tokens.dtype),
                encoder_hidden_states=text,
                txt_ids=text_ids,
                img_ids=ids,
                guidance=None,
                return_dict=False,
            )[0]
            prompted, empty = velocity.chunk(2)
            tokens = tokens + (following - sigma) * (empty + guidance * (prompted - empty))
        return tokens

    def _decode(self, tokens: Tensor, ids: Tensor) -> list[bytes]:
        pipe, vae = self._pipes.first, self._pipes.first.vae
        latents = pipe._unpack_latents_with_ids(tokens, ids.expand(len(tokens), -1, -1))
        shape, statistics = (1, -1, 1, 1), vae.bn
        deviation = torch.sqrt(statistics.running_var.view(shape) + vae.config["batch_norm_eps"]).to(latents)
        mean = statistics.running_mean.view(shape).to(latents)
        pictures = vae.decode(pipe._unpatchify_latents(latents * deviation + mean), return_dict=False)[0]
        return [_png(picture) for picture in pipe.image_processor.postprocess(pictures, output_type="pil")]


def _png(picture: Image.Image) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()
