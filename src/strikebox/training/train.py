"""Train a LoRA on a transformer by flow matching.

    x_sigma = (1 - sigma) x_0 + sigma noise,   loss = |velocity(x_sigma, sigma) - (noise - x_0)|^2
    (Liu, Gong and Liu 2022, arXiv 2209.03003)
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path

import torch
import torch.nn.functional as F
from diffusers import Flux2KleinPipeline
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from peft import LoraConfig
from peft.utils import get_peft_model_state_dict, set_peft_model_state_dict
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from strikebox.klein.sampler import pack, positions
from strikebox.training.data import Encoded

FILE = "pytorch_lora_weights.safetensors"
_NAME = "default"
_TARGETS = (
    r".*(to_q|to_k|to_v|to_out\.0|add_q_proj|add_k_proj|add_v_proj|to_add_out|to_qkv_mlp_proj|linear_in|linear_out)"
    r"|single_transformer_blocks\.\d+\.attn\.to_out"
)
_WARM_UP = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a LoRA is trained."""

    rank: int = 32
    alpha: int = 64  # the trained strength is alpha / rank
    steps: int = 1500
    batch: int = 32
    rate: float = 1e-3
    shift: float = 2.5  # pushes the logit-normal sigmas towards noise
    mixed_precision: bool = True  # bfloat16 products; slow on a processor that has none


OnStep = Callable[[int, Tensor], None]


def train(
    transformer: Flux2Transformer2DModel,
    data: Encoded,
    settings: Settings,
    generator: torch.Generator,
    on_step: OnStep = lambda step, loss: None,
    start: Path | None = None,
) -> None:
    """Add an adapter to the float32 `transformer` and train it; every linear layer of every block has a part.

    `generator` draws everything random, on the transformer's device. `on_step` gets a step's number and loss.
    `start` is a folder that `save` wrote, of the same rank: training goes on from its weights.
    """
    transformer.requires_grad_(False)
    config = LoraConfig(
        r=settings.rank, lora_alpha=settings.alpha, init_lora_weights="gaussian", target_modules=_TARGETS
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(generator.initial_seed())  # PEFT draws initial weights from the default generator
        transformer.add_adapter(config, adapter_name=_NAME)
    if start is not None:
        _load(transformer, start)
    weights = [p for p in transformer.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=settings.rate, weight_decay=0.0)
    for step in range(settings.steps):
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, settings)
        loss = _loss(transformer, data, settings, generator)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        on_step(step, loss.detach())


def save(transformer: Flux2Transformer2DModel, folder: Path, trigger: str) -> None:
    """Write the adapter in diffusers' keys, bfloat16, with rank, alpha and trigger words in the header."""
    state = get_peft_model_state_dict(transformer, adapter_name=_NAME)
    Flux2KleinPipeline.save_lora_weights(
        folder,
        transformer_lora_layers={key: value.to(torch.bfloat16).contiguous() for key, value in state.items()},
        transformer_lora_adapter_metadata=transformer.peft_config[_NAME].to_dict(),
    )
    _add_metadata(folder / FILE, {"modelspec.trigger_phrase": trigger})


def _load(transformer: Flux2Transformer2DModel, folder: Path) -> None:
    state = {key.removeprefix("transformer."): value for key, value in load_file(folder / FILE).items()}
    set_peft_model_state_dict(transformer, state, adapter_name=_NAME)


def _add_metadata(path: Path, more: dict[str, str]) -> None:
    """diffusers writes no metadata but its own."""
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118 - no mapping
    save_file(tensors, path, metadata=metadata | more)


def _loss(
    transformer: Flux2Transformer2DModel, data: Encoded, settings: Settings, generator: torch.Generator
) -> Tensor:
    device = data.latents.device
    index = torch.randint(len(data.latents), (settings.batch,), device=device, generator=generator)
    clean = data.latents[index]
    sigma = _random_sigmas(settings, device, generator)
    noise = torch.randn(clean.shape, device=device, generator=generator)
    noisy = torch.lerp(clean, noise, sigma[:, None, None, None])
    height, width = clean.shape[2:]
    with torch.autocast(device.type, torch.bfloat16, enabled=settings.mixed_precision):
        velocity = transformer(
            hidden_states=pack(noisy),
            timestep=sigma,
            encoder_hidden_states=data.text[index].float(),
            txt_ids=positions(0, 1, 1, data.text.shape[1], device),
            img_ids=positions(0, height, width, 1, device),
            guidance=None,
            return_dict=False,
        )[0]
    return F.mse_loss(velocity.float(), pack(noise - clean))


def _random_sigmas(settings: Settings, device: torch.device, generator: torch.Generator) -> Tensor:
    """Shifted logit-normal: shift s / (1 + (shift - 1) s) with s = sigmoid(z)."""
    s = torch.sigmoid(torch.randn(settings.batch, device=device, generator=generator))
    return settings.shift * s / (1 + (settings.shift - 1) * s)


def _rate(step: int, settings: Settings) -> float:
    """Linear warm-up, then a cosine down to 1% of the peak."""
    decay = 0.5 * (1 + cos(pi * step / settings.steps)) * 0.99 + 0.01
    return settings.rate * min(1.0, (step + 1) / _WARM_UP) * decay
