"""One LoRA in the keys of every trainer, written anew from their own layouts."""

import re

import torch
from torch import Tensor

_BFL_NAMES = {
    "attn.to_out.0": "img_attn.proj",
    "attn.to_add_out": "txt_attn.proj",
    "ff.linear_in": "img_mlp.0",
    "ff.linear_out": "img_mlp.2",
    "ff_context.linear_in": "txt_mlp.0",
    "ff_context.linear_out": "txt_mlp.2",
}
_QKV = {
    "img_attn.qkv": ["attn.to_q", "attn.to_k", "attn.to_v"],
    "txt_attn.qkv": ["attn.add_q_proj", "attn.add_k_proj", "attn.add_v_proj"],
}
_SINGLE = {"attn.to_qkv_mlp_proj": "linear1", "attn.to_out": "linear2"}


def to_bfl(lora: dict[str, Tensor]) -> dict[str, Tensor]:
    """diffusers' keys -> Black Forest Labs' own, without a prefix; q, k and v become one matrix."""
    layers = {key.removeprefix("transformer.").partition(".lora_")[0] for key in lora}
    fused: dict[str, Tensor] = {}
    for layer in sorted(layers):
        block, inner = _split(layer)
        down, up = (lora[f"transformer.{layer}.lora_{side}.weight"] for side in "AB")
        name = next((qkv for qkv, parts in _QKV.items() if inner == parts[0]), None)
        if name is not None:
            parts = [f"transformer.{layer.removesuffix(inner)}{part}" for part in _QKV[name]]
            up = torch.cat([lora[f"{part}.lora_B.weight"] for part in parts])
        elif any(inner in parts for parts in _QKV.values()):
            continue
        else:
            name = (_SINGLE if block.startswith("single") else _BFL_NAMES)[inner]
        fused[f"{block}.{name}.lora_A.weight"] = down
        fused[f"{block}.{name}.lora_B.weight"] = up
    return fused


def to_ai_toolkit(lora: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"diffusion_model.{key}": value for key, value in to_bfl(lora).items()}


def to_peft(lora: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"base_model.model.{key}": value for key, value in to_bfl(lora).items()}


def to_kohya(lora: dict[str, Tensor], alpha: float | None = None) -> dict[str, Tensor]:
    """Kohya's keys; with `alpha`, an alpha tensor a layer and down matrices that undo it."""
    kohya: dict[str, Tensor] = {}
    for key, value in to_bfl(lora).items():
        layer, _, side = key.partition(".lora_")
        name = "lora_unet_" + layer.replace(".", "_")
        kohya[f"{name}.lora_{'down' if side.startswith('A') else 'up'}.weight"] = value
        if alpha is not None and side.startswith("A"):
            kohya[f"{name}.lora_down.weight"] = value * (len(value) / alpha)
            kohya[f"{name}.alpha"] = torch.tensor(alpha)
    return kohya


def to_bare(lora: dict[str, Tensor]) -> dict[str, Tensor]:
    return {key.removeprefix("transformer."): value for key, value in lora.items()}


def _split(layer: str) -> tuple[str, str]:
    match = re.fullmatch(r"(single_)?transformer_blocks\.(\d+)\.(.+)", layer)
    assert match
    kind = "single_blocks" if match[1] else "double_blocks"
    return f"{kind}.{match[2]}", match[3]
