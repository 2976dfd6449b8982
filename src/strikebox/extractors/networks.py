"""Networks of the transformers library that look at pictures: finding, hashing and feeding them."""

import hashlib
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
import transformers
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
from safetensors import SafetensorError
from torch import nn
from transformers import AutoConfig, AutoImageProcessor

from strikebox.errors import ExtractorError
from strikebox.generation.backend import Pixels
from strikebox.metrics.features import Feature

_BATCH = 32
_KINDS = (".safetensors", ".json", ".txt", ".model")
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_SHA256 = re.compile(r"[0-9a-f]{64}")

# No code from elsewhere, and no pickles.
OPTIONS: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
WEIGHTS: dict[str, Any] = {**OPTIONS, "use_safetensors": True, "dtype": torch.float32}


def locate(model: str | Path) -> Path:
    """The directory of `model`, downloaded if it is a hub id. What looks like a path is never looked up.

    Raises ExtractorError where there is none, or where it has no safetensors.
    """
    path = Path(model).expanduser()
    if not path.is_dir():
        if isinstance(model, Path) or path.exists() or not _HUB_ID.fullmatch(model) or path.parent.is_dir():
            raise ExtractorError(f"{model} is neither a directory here nor a hub id such as owner/name")
        path = _download(model)
    if not any(path.glob("*.safetensors")):
        raise ExtractorError(f"{model} has no .safetensors; no other kind of weights is read")
    return path


def digest(directory: Path) -> str:
    """sha256 over names and contents of weights, settings and tokenizer; a copy has the same."""
    content = hashlib.sha256()
    for path in sorted(directory.iterdir()):
        if path.suffix in _KINDS:
            content.update(f"{path.name} {_file_digest(path)}\n".encode())
    return content.hexdigest()


def kind(directory: Path) -> str:
    """What transformers calls this kind of model: clip, siglip, dinov2. Raises ExtractorError."""
    with loading(directory):
        return str(AutoConfig.from_pretrained(directory, **OPTIONS).model_type)


@contextmanager
def loading(directory: Path) -> Iterator[None]:
    """Without the library's progress bars, and with its errors as ExtractorErrors."""
    bars = transformers.utils.logging.is_progress_bar_enabled()
    transformers.utils.logging.disable_progress_bar()
    try:
        yield
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ExtractorError(f"{directory} cannot be loaded: {reason[:300]}") from error
    finally:
        if bars:
            transformers.utils.logging.enable_progress_bar()


def frozen(network: nn.Module, device: torch.device) -> nn.Module:
    """The network on its device, made to look and not to learn."""
    return nn.Module.to(network.eval().requires_grad_(False), device)


class Eye:
    """Makes pictures ready for a network, as its preprocessor_config.json says."""

    def __init__(self, directory: Path, device: torch.device) -> None:
        """Raises ExtractorError where the directory does not say how."""
        with loading(directory):
            # The other backend needs torchvision, and its pictures differ a little.
            self._processor = AutoImageProcessor.from_pretrained(directory, backend="pil", **OPTIONS)
        self._device = device

    def batches(self, pictures: Sequence[Pixels]) -> Iterator[torch.Tensor]:
        """float32 (n, 3, height, width), n at most 32."""
        for start in range(0, len(pictures), _BATCH):
            batch = list(pictures[start : start + _BATCH])
            ready = self._processor(images=batch, input_data_format="channels_last", return_tensors="pt")
            yield ready["pixel_values"].to(self._device)


def unit(output: Any) -> Feature:
    """The pooled output of a network as float32 (n, dim), each of length 1."""
    pooled = output if isinstance(output, torch.Tensor) else output.pooler_output
    return torch.nn.functional.normalize(pooled.float().flatten(1), dim=1).cpu().numpy()


def _download(model: str) -> Path:
    try:
        patterns = [f"*{kind}" for kind in _KINDS]
        return Path(snapshot_download(model, allow_patterns=patterns, ignore_patterns=["*/*"]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ExtractorError(f"cannot download {model}: {reason}") from error


def _file_digest(path: Path) -> str:
    blob = path.resolve().name  # the hub's cache names large files by their sha256
    if path.is_symlink() and _SHA256.fullmatch(blob):
        return blob
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
