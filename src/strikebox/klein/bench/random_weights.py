"""A FLUX.2-klein of the true architecture with random weights, for machines that cannot have the real ones.

Time and memory do not depend on the values of weights, pictures do: everything made with these says so.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_kl_flux2 import AutoencoderKLFlux2
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor, nn
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from strikebox.klein.profile import Profile
from strikebox.klein.weights import Weights

NAME = "random weights"
_SPREAD = (
    0.1  # of the decoder's last weights: pictures get the contrast of real ones, and their PNGs the size
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """Sizes of the three networks, as their config.json files say them."""

    profile: Profile
    transformer: dict[str, Any]
    text: dict[str, Any]
    vae: dict[str, Any] = field(default_factory=dict[str, Any])


KLEIN_4B = Architecture(
    profile=Profile(name=NAME),
    transformer={
        "num_layers": 5,
        "num_single_layers": 20,
        "num_attention_heads": 24,
        "attention_head_dim": 128,
        "in_channels": 128,
        "joint_attention_dim": 7680,
        "guidance_embeds": False,
    },
    text={
        "vocab_size": 151_936,
        "hidden_size": 2560,
        "intermediate_size": 9728,
        "num_hidden_layers": 36,
        "num_attention_heads": 32,
        "num_key_value_heads": 8,
        "head_dim": 128,
        "max_position_embeddings": 40_960,
        "tie_word_embeddings": True,
    },
)
"""black-forest-labs/FLUX.2-klein-base-4B; the autoencoder is diffusers' default one."""

TINY = Architecture(
    profile=Profile(name=NAME, text_tokens=12, text_layers=(1, 2, 4), size=64),
    transformer={
        "num_layers": 1,
        "num_single_layers": 2,
        "num_attention_heads": 2,
        "attention_head_dim": 16,
        "axes_dims_rope": (4, 4, 4, 4),
        "in_channels": 16,
        "joint_attention_dim": 96,
        "guidance_embeds": False,
    },
    text={
        "vocab_size": 64,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 6,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 16,
        "max_position_embeddings": 64,
        "tie_word_embeddings": True,
    },
    vae={
        "block_out_channels": (8, 8, 8, 8),
        "layers_per_block": 1,
        "latent_channels": 4,
        "norm_num_groups": 4,
        "sample_size": 64,
    },
)
"""For a look whether everything runs."""


def make(architecture: Architecture, folder: Path, device: torch.device, dtype: torch.dtype) -> Weights:
    """The same weights each time, made on `device` in `dtype`; `folder` gets their configuration."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        torch.manual_seed(0)
        with torch.device(device):
            transformer = Flux2Transformer2DModel(**architecture.transformer)
            vae = AutoencoderKLFlux2(**architecture.vae)
            text_encoder = Qwen3ForCausalLM(Qwen3Config(**architecture.text))
            nn.init.normal_(vae.decoder.conv_out.weight, std=_SPREAD)
    finally:
        torch.set_default_dtype(before)
    for network in (transformer, vae, text_encoder):
        nn.Module.to(network.eval().requires_grad_(False), dtype)
    _describe(folder, architecture, transformer, vae)
    return Weights(
        directory=folder,
        profile=architecture.profile,
        hash=NAME,
        transformer=transformer,
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=_tokenizer(architecture),
    )


def scheduler() -> FlowMatchEulerDiscreteScheduler:
    """FLUX.2's."""
    return FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, shift=3.0, base_shift=0.5, max_shift=1.15, time_shift_type="exponential"
    )


def save_lora(path: Path, transformer: Flux2Transformer2DModel, rank: int = 32) -> Path:
    """A random LoRA of all linear layers in the blocks, in diffusers' keys, alpha = rank."""
    generator = torch.Generator().manual_seed(1)
    lora: dict[str, Tensor] = {}
    for name, layer in transformer.named_modules():
        if isinstance(layer, nn.Linear) and "transformer_blocks." in name:
            down = torch.randn(rank, layer.in_features, generator=generator) / layer.in_features**0.5
            up = 0.02 * torch.randn(layer.out_features, rank, generator=generator)
            lora[f"transformer.{name}.lora_A.weight"] = down.bfloat16()
            lora[f"transformer.{name}.lora_B.weight"] = up.bfloat16()
    save_file(lora, path, metadata={"format": "pt"})
    return path


def _describe(
    folder: Path, architecture: Architecture, transformer: Flux2Transformer2DModel, vae: AutoencoderKLFlux2
) -> None:
    profile = architecture.profile
    values = {"name": profile.name, "text_tokens": profile.text_tokens, "size": profile.size}
    _write(folder / "model_index.json", {"_class_name": "Flux2KleinPipeline", "is_distilled": False})
    _write(folder / "profile.json", values | {"text_layers": list(profile.text_layers)})
    transformer.save_config(folder / "transformer")
    vae.save_config(folder / "vae")


def _write(path: Path, values: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(values), encoding="utf-8")


def _tokenizer(architecture: Architecture) -> PreTrainedTokenizerFast:
    """Words to numbers, padded to the model's length: prompts cost the same whatever they say."""
    words = ["<pad>", "<unk>", "<s>", "</s>", "cat", "dog"]
    level = Tokenizer(models.WordLevel({word: k for k, word in enumerate(words)}, unk_token="<unk>"))
    level.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=level,
        pad_token="<pad>",
        unk_token="<unk>",
        padding_side="right",
        model_max_length=architecture.profile.text_tokens,
    )
    tokenizer.chat_template = "{% for m in messages %}{{ '<s>' + m['content'] + '</s>' }}{% endfor %}"
    return tokenizer
