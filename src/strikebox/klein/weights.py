"""A model's weights, from a diffusers directory or the Hugging Face hub. Safetensors only."""

import contextlib
import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.models.autoencoders.autoencoder_kl_flux2 import AutoencoderKLFlux2
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors import SafetensorError
from torch import nn
from transformers import AutoTokenizer, PreTrainedTokenizerBase, Qwen3ForCausalLM

from strikebox.errors import ModelError
from strikebox.klein import profile as profiles
from strikebox.klein.profile import Profile

_NETWORKS = ("transformer", "vae", "text_encoder")
_PARTS = (*_NETWORKS, "tokenizer", "scheduler")
_KINDS = (".safetensors", ".json", ".jinja", ".txt")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The parts of a FLUX.2-klein pipeline, on their device and in their precision."""

    directory: Path
    profile: Profile
    hash: str  # of everything that determines a picture, but not of the precision
    transformer: Flux2Transformer2DModel
    vae: AutoencoderKLFlux2
    text_encoder: Qwen3ForCausalLM
    tokenizer: PreTrainedTokenizerBase


def load(model: str | Path, *, device: torch.device, dtype: torch.dtype) -> Weights:
    """The weights of `model`: a directory, or a hub id such as black-forest-labs/FLUX.2-klein-base-4B.

    All of them on `device`; on the CPU they can be placed one by one (`placed`).
    Raises ModelError where it is missing, incomplete, malformed, or no FLUX.2-klein model.
    """
    directory = locate(model)
    profile = profiles.read(directory, _name(model, directory))
    _check(directory)
    with _quiet(), _as_model_error(directory):
        options: dict[str, Any] = {"dtype": dtype, "use_safetensors": True, "local_files_only": True}
        transformer = Flux2Transformer2DModel.from_pretrained(directory / "transformer", **options)
        vae = AutoencoderKLFlux2.from_pretrained(directory / "vae", **options)
        text_encoder = Qwen3ForCausalLM.from_pretrained(directory / "text_encoder", **options)
        tokenizer = AutoTokenizer.from_pretrained(directory / "tokenizer", local_files_only=True)
    for network in (transformer, vae, text_encoder):
        nn.Module.to(network.eval().requires_grad_(False), device)
    _check_fit(directory, profile, transformer, vae, text_encoder)
    return Weights(
        directory=directory,
        profile=profile,
        hash=digest(directory, profile),
        transformer=transformer,
        vae=vae,
        text_encoder=text_encoder,
        tokenizer=tokenizer,
    )


def placed(weights: Weights, device: torch.device, *, text: bool = True) -> Weights:
    """The same weights, moved to `device`: all of them, or all but the text encoder."""
    networks = [weights.transformer, weights.vae, *([weights.text_encoder] if text else [])]
    for network in networks:
        nn.Module.to(network, device)
    return weights


def locate(model: str | Path) -> Path:
    """The directory of `model`, downloaded if it is a hub id. What looks like a path is never looked up.

    Raises ModelError where there is none.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path
    if path.exists():
        raise ModelError(f"the model {model} is a file; give the folder that holds model_index.json")
    if isinstance(model, Path) or not _HUB_ID.fullmatch(model) or path.parent.is_dir():
        raise ModelError(f"the model {model} is neither a directory here nor a hub id such as owner/name")
    return _download(model)


def digest(directory: Path, profile: Profile) -> str:
    """sha256 over names and contents of what determines a picture; equal for a hub model and a copy of it."""
    content = hashlib.sha256(json.dumps([profile.text_tokens, profile.text_layers]).encode())
    for part in (*_NETWORKS, "tokenizer"):
        for path in sorted((directory / part).iterdir()):
            if path.suffix in _KINDS:
                content.update(f"{part}/{path.name} {_file_digest(path)}\n".encode())
    return content.hexdigest()


def _file_digest(path: Path) -> str:
    blob = path.resolve().name  # the hub's cache names large files by their sha256
    if path.is_symlink() and _SHA256.fullmatch(blob):
        return blob
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(model: str) -> Path:
    patterns = [f"{part}/*{kind}" for part in _PARTS for kind in _KINDS]
    try:
        return Path(snapshot_download(model, allow_patterns=["model_index.json", profiles.FILE, *patterns]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(f"cannot download the model {model}: {reason}") from error


def _name(model: str | Path, directory: Path) -> str:
    return directory.resolve().name if Path(model).expanduser().is_dir() else str(model)


def _check(directory: Path) -> None:
    for part in _PARTS:
        if not (directory / part).is_dir():
            raise ModelError(f"the model {directory} is incomplete: it has no folder {part}")
    for part in _NETWORKS:
        if not any((directory / part).glob("*.safetensors")):
            raise ModelError(f"the model {directory} has no .safetensors in {part}; no other kind is read")
    scheduler = directory / "scheduler" / "scheduler_config.json"
    with _as_model_error(directory):
        config = json.loads(scheduler.read_text(encoding="utf-8"))
    if not config.get("use_dynamic_shifting") or config.get("time_shift_type") != "exponential":
        raise ModelError(f"{scheduler} is not FLUX.2's schedule: exponential dynamic shifting is wanted")


def _check_fit(
    directory: Path,
    profile: Profile,
    transformer: Flux2Transformer2DModel,
    vae: AutoencoderKLFlux2,
    text_encoder: Qwen3ForCausalLM,
) -> None:
    last, depth = max(profile.text_layers), text_encoder.config.num_hidden_layers
    if last > depth:
        raise ModelError(f"the model {directory}: its profile reads text layer {last} of {depth}")
    pairs = (
        ("channels", transformer.config["in_channels"], 4 * vae.config["latent_channels"]),
        (
            "text dimensions",
            transformer.config["joint_attention_dim"],
            len(profile.text_layers) * text_encoder.config.hidden_size,
        ),
    )
    for what, wanted, given in pairs:
        if wanted != given:
            raise ModelError(f"the model {directory} does not fit together: {given} {what} for {wanted}")


@contextlib.contextmanager
def _as_model_error(directory: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"the model {directory} cannot be loaded: {reason[:300]}") from error


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without the progress bars of the libraries, which would tear ours."""
    diffusers_bars = diffusers.utils.logging.is_progress_bar_enabled()
    transformers_bars = transformers.utils.logging.is_progress_bar_enabled()
    diffusers.utils.logging.disable_progress_bar()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    finally:
        if diffusers_bars:
            diffusers.utils.logging.enable_progress_bar()
        if transformers_bars:
            transformers.utils.logging.enable_progress_bar()
