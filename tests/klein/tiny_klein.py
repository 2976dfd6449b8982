"""A FLUX.2-klein pipeline with random weights, small enough for a test, and LoRAs for it."""

import json
from pathlib import Path

import torch
from diffusers import AutoencoderKLFlux2, FlowMatchEulerDiscreteScheduler, Flux2Transformer2DModel
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from torch import Tensor
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM

from strikebox.generation.backend import Denoise, LoraState
from strikebox.klein.backend import KleinBackend

RANK = 4
_WORDS = ["<pad>", "<unk>", "<s>", "</s>", ",", "a", "cat", "dog", "fox", "bear", "owl", "matchbox", "style"]


def write_model(directory: Path) -> Path:
    """A pipeline in `directory` that stock diffusers loads too: pictures of 64 x 64, tokens of 16 x 16."""
    torch.manual_seed(0)
    _transformer().save_pretrained(directory / "transformer")
    _vae().save_pretrained(directory / "vae")
    _text_encoder().save_pretrained(directory / "text_encoder")
    _tokenizer().save_pretrained(directory / "tokenizer")
    FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, shift=3.0, base_shift=0.5, max_shift=1.15, time_shift_type="exponential"
    ).save_pretrained(directory / "scheduler")
    write_json(directory / "model_index.json", _INDEX)
    write_json(directory / "profile.json", _PROFILE)
    return directory


def write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value), encoding="utf-8")


_PROFILE = {
    "name": "tiny",
    "text_tokens": 12,
    "text_layers": [1, 2, 4],
    "steps": 8,
    "guidance": 3.0,
    "distilled": False,
    "size": 64,
}

_INDEX = {
    "_class_name": "Flux2KleinPipeline",
    "_diffusers_version": "0.42.1",
    "is_distilled": False,
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    "text_encoder": ["transformers", "Qwen3ForCausalLM"],
    "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
    "transformer": ["diffusers", "Flux2Transformer2DModel"],
    "vae": ["diffusers", "AutoencoderKLFlux2"],
}


def _transformer() -> Flux2Transformer2DModel:
    transformer = Flux2Transformer2DModel(
        num_layers=2,
        num_single_layers=2,
        num_attention_heads=2,
        attention_head_dim=16,
        axes_dims_rope=(4, 4, 4, 4),
        in_channels=16,
        joint_attention_dim=96,
        guidance_embeds=False,
    )
    for module in transformer.modules():
        if isinstance(module, torch.nn.Linear):  # strong enough for prompt, reference and LoRA to matter
            torch.nn.init.normal_(module.weight, std=1.5 / module.in_features**0.5)
    return transformer


def _vae() -> AutoencoderKLFlux2:
    vae = AutoencoderKLFlux2(
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
    )
    vae.bn.running_mean = torch.randn(16)
    vae.bn.running_var = torch.rand(16) + 0.5
    torch.nn.init.normal_(
        vae.decoder.conv_out.weight, std=0.1
    )  # pictures with contrast, or PSNR says nothing
    return vae


def _text_encoder() -> Qwen3ForCausalLM:
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=len(_WORDS),
            hidden_size=32,
            intermediate_size=64,
            num_hidden_layers=6,
            num_attention_heads=2,
            num_key_value_heads=1,
            head_dim=16,
            max_position_embeddings=64,
            initializer_range=0.3,
            tie_word_embeddings=True,
            pad_token_id=0,
        )
    )


def _tokenizer() -> PreTrainedTokenizerFast:
    words = Tokenizer(models.WordLevel({word: k for k, word in enumerate(_WORDS)}, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        padding_side="right",
        model_max_length=12,
    )
    tokenizer.chat_template = "{% for m in messages %}{{ '<s>' + m['content'] + '</s>' }}{% endfor %}"
    return tokenizer


def random_lora(
    transformer: Flux2Transformer2DModel, rank: int = RANK, spread: float = 0.15
) -> dict[str, Tensor]:
    """A LoRA of all attention and feed-forward layers, in diffusers' keys.

    The three projections of an attention share their down matrix, as they do where they are one matrix.
    """
    generator = torch.Generator().manual_seed(1)
    lora: dict[str, Tensor] = {}
    shared: dict[str, Tensor] = {}
    for name, module in transformer.named_modules():
        if not isinstance(module, torch.nn.Linear) or "transformer_blocks." not in name:
            continue
        down = spread * torch.randn(rank, module.in_features, generator=generator)
        lora[f"transformer.{name}.lora_A.weight"] = shared.setdefault(_fused(name), down).clone()
        up = spread * torch.randn(module.out_features, rank, generator=generator)
        lora[f"transformer.{name}.lora_B.weight"] = up
    return lora


def _fused(name: str) -> str:
    for part in ("q", "k", "v"):
        name = name.replace(f"to_{part}", "qkv") if name.endswith(f"to_{part}") else name
        name = name.replace(f"add_{part}_proj", "add_qkv")
    return name


def save_lora(path: Path, lora: dict[str, Tensor], alpha: float | None = None, rank: int = RANK) -> Path:
    """Save `lora`; with `alpha`, state it as diffusers does, in `lora_adapter_metadata`."""
    metadata = {"format": "pt"}
    if alpha is not None:
        targets = sorted({key.removeprefix("transformer.").partition(".lora_")[0] for key in lora})
        config = {
            "transformer.r": rank,
            "transformer.lora_alpha": alpha,
            "transformer.target_modules": targets,
        }
        metadata["lora_adapter_metadata"] = json.dumps(config)
    save_file(lora, path, metadata=metadata)
    return path


def asked(backend: KleinBackend, steps: int = 12, lora: LoraState | None = None) -> Denoise:
    """A guided cat in even steps."""
    return Denoise(
        latents=backend.noise(1, backend.model.size),
        sigmas=tuple(1 - k / steps for k in range(steps + 1)),
        prompt="cat",
        guidance=3.0,
        lora=lora,
        reference=None,
    )
