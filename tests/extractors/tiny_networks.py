"""Networks of a few thousand weights, as directories that transformers wrote."""

from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import (
    CLIPConfig,
    CLIPImageProcessorPil,
    CLIPModel,
    CLIPTextConfig,
    EfficientNetConfig,
    PreTrainedTokenizerFast,
    SiglipConfig,
    SiglipImageProcessorPil,
    SiglipModel,
    VisionTextDualEncoderConfig,
    VisionTextDualEncoderModel,
)

SIDE = 32
WORDS = ["<pad>", "<unk>", "<s>", "</s>", "cat", "dog", "owl", "fir", "tree"]
_TEXT: dict[str, Any] = {
    "vocab_size": len(WORDS), "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1,
    "num_attention_heads": 2, "max_position_embeddings": 8, "projection_dim": 12, "projection_size": 16,
    "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3,
}  # fmt: skip
_VISION = {
    "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
    "image_size": SIDE, "patch_size": 8, "projection_dim": 12,
}  # fmt: skip
_EYE: dict[str, Any] = {
    "image_size": SIDE, "width_coefficient": 0.25, "depth_coefficient": 0.1, "hidden_dim": 320,
    "hidden_size": 320, "initializer_range": 1.0,
}  # fmt: skip


def tokenizer(frames: bool) -> PreTrainedTokenizerFast:
    """Words to numbers; `frames`: it puts <s> and </s> around a text itself."""
    core = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if frames:
        core.post_processor = processors.TemplateProcessing(
            single="<s> $A </s>", special_tokens=[("<s>", 2), ("</s>", 3)]
        )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", unk_token="<unk>", bos_token="<s>", eos_token="</s>",
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def clip(folder: Path, *, frames: bool = False, seed: int = 0) -> Path:
    """A CLIP of random weights."""
    torch.manual_seed(seed)
    CLIPModel(CLIPConfig(text_config=_TEXT, vision_config=_VISION, projection_dim=12)).save_pretrained(folder)
    tokenizer(frames).save_pretrained(folder)
    side = {"height": SIDE, "width": SIDE}
    CLIPImageProcessorPil(size=side, crop_size=side, do_center_crop=False).save_pretrained(folder)
    return folder


def siglip(folder: Path) -> Path:
    """A SigLIP of random weights."""
    torch.manual_seed(0)
    SiglipModel(SiglipConfig(text_config=_TEXT, vision_config=_VISION)).save_pretrained(folder)
    tokenizer(frames=True).save_pretrained(folder)
    SiglipImageProcessorPil(size={"height": SIDE, "width": SIDE}).save_pretrained(folder)
    return folder


def dual(folder: Path) -> Path:
    """A dual encoder of random weights: an EfficientNet for the pictures, CLIP's reader for the words."""
    torch.manual_seed(0)
    eye = EfficientNetConfig(**_EYE)
    config = VisionTextDualEncoderConfig.from_vision_text_configs(
        eye, CLIPTextConfig(**_TEXT), projection_dim=12
    )
    VisionTextDualEncoderModel(config).save_pretrained(folder)
    tokenizer(frames=False).save_pretrained(folder)
    side = {"height": SIDE, "width": SIDE}
    CLIPImageProcessorPil(size=side, crop_size=side, do_center_crop=False).save_pretrained(folder)
    return folder
