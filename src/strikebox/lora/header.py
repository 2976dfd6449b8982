"""What a LoRA file says of itself, read from its safetensors header: no tensor library, no weights in memory.

A safetensors file is an 8-byte little-endian length, that many bytes of JSON (name -> dtype, shape, offsets;
and `__metadata__`), then the tensors (https://huggingface.co/docs/safetensors).

**The alpha trap.** A LoRA adds alpha / rank * up @ down. A file that was trained at alpha / rank = 2 but
carries no alpha is taken by diffusers to mean alpha = rank: "scale 1.0" is then half its trained strength.
"""

import hashlib
import json
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from io import BufferedReader
from pathlib import Path
from typing import cast

from strikebox.errors import LoraError
from strikebox.lora.alpha import Alpha, AlphaSource, resolve

_PICKLE_SUFFIXES = {".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"}
_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
_DOWN = re.compile(r"(?P<module>.+?)\.(?:lora_A|lora_down|lora\.down)(?:\.default)?\.weight")
_UP = re.compile(r"(?P<module>.+?)\.(?:lora_B|lora_up|lora\.up)(?:\.default)?\.weight")
_TRIGGER_KEYS = (
    "modelspec.trigger_phrase",
    "trigger_phrase",
    "trigger_words",
    "trigger_word",
    "instance_prompt",
)
_SCALAR = {"F64": "<d", "F32": "<f", "F16": "<e", "I64": "<q", "I32": "<i"}
_LONGEST_HEADER = 100_000_000  # bytes; the limit that safetensors itself sets


class Format(StrEnum):
    """Whose names the layers bear."""

    DIFFUSERS = "diffusers"
    AI_TOOLKIT = "ai-toolkit / BFL"
    PEFT = "PEFT"
    KOHYA = "kohya"
    BARE = "bare keys"


_PREFIXES = {
    "lora_unet_": Format.KOHYA,
    "base_model.model.": Format.PEFT,
    "diffusion_model.": Format.AI_TOOLKIT,
    "transformer.": Format.DIFFUSERS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Tensor:
    """One entry of a safetensors header."""

    dtype: str
    shape: tuple[int, ...]
    start: int  # bytes after the header
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A LoRA file, without its weights."""

    path: Path
    name: str
    hash: str  # sha256 of the whole file
    format: Format
    layers: int  # pairs of down and up
    ranks: tuple[int, ...]  # the distinct ones, ascending
    alpha: Alpha
    trigger_words: tuple[str, ...]  # empty where the header holds none

    @property
    def effective_scale(self) -> tuple[float, float]:
        """Least and greatest alpha / rank that diffusers applies at scale 1.0."""
        return self.alpha.applied

    def explain(self) -> str:
        """One or two lines for a reader who is about to choose a scale."""
        ranks = " and ".join(str(rank) for rank in self.ranks)
        alpha = self.alpha.describe()
        what = f"{self.name}: {self.format} LoRA, {self.layers} layers, rank {ranks}, {alpha}."
        return f"{what}\n{self.alpha.meaning()}"


def read(path: str | Path) -> Header:
    """Read the header of the LoRA at `path`.

    Raises LoraError where the file is missing, a folder, a pickle, malformed, truncated, or holds no LoRA.
    """
    path = Path(path)
    _refuse_what_is_no_safetensors(path)
    try:
        with path.open("rb") as file:
            return _read(path, file)
    except OSError as error:
        raise LoraError(f"cannot read the LoRA {path}: {error.strerror or error}") from error


def _read(path: Path, file: BufferedReader) -> Header:
    metadata, tensors, data_start = _parse(path, file)
    ranks = _ranks(path, tensors)
    tensor_alphas = {
        name.removesuffix(".alpha"): _scalar(path, file, data_start, tensor)
        for name, tensor in tensors.items()
        if name.endswith(".alpha")
    }
    file.seek(0)
    return Header(
        path=path,
        name=metadata.get("ss_output_name") or metadata.get("name") or path.stem,
        hash=hashlib.file_digest(file, "sha256").hexdigest(),
        format=_format(ranks),
        layers=len(ranks),
        ranks=tuple(sorted(set(ranks.values()))),
        alpha=_alpha(path, ranks, tensor_alphas, metadata),
        trigger_words=_trigger_words(metadata),
    )


def _refuse_what_is_no_safetensors(path: Path) -> None:
    if path.is_dir():
        inside = next(iter(sorted(path.glob("*.safetensors"))), None)
        hint = f"; did you mean {inside}?" if inside else ""
        raise LoraError(f"the LoRA {path} is a folder, not a .safetensors file{hint}")
    if not path.exists():
        raise LoraError(f"the LoRA {path} does not exist")
    with path.open("rb") as file:
        start = file.read(4)
    if path.suffix.lower() in _PICKLE_SUFFIXES or start.startswith(_PICKLE_STARTS):
        raise LoraError(
            f"the LoRA {path} is a pickle, which can run code; only .safetensors is read. To convert one: "
            "safetensors.torch.save_file(torch.load(OLD, weights_only=True), NEW)"
        )


def _parse(path: Path, file: BufferedReader) -> tuple[dict[str, str], dict[str, Tensor], int]:
    size = path.stat().st_size
    head = file.read(8)
    length = int.from_bytes(head, "little")
    if len(head) < 8 or size < 8 + length <= 8 + _LONGEST_HEADER:
        raise LoraError(f"the LoRA {path} is truncated: it ends within its header; download it again")
    if length > _LONGEST_HEADER:
        raise LoraError(f"the LoRA {path} is not a safetensors file: its first 8 bytes are no header length")
    try:
        header = json.loads(file.read(length))
        metadata = {str(k): str(v) for k, v in header.pop("__metadata__", {}).items()}
        tensors = {str(name): _tensor(entry) for name, entry in header.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise LoraError(f"the LoRA {path} is not a safetensors file: its header is malformed") from error
    needed = 8 + length + max((tensor.end for tensor in tensors.values()), default=0)
    if size < needed:
        raise LoraError(f"the LoRA {path} is truncated: {size} bytes of {needed}; download it again")
    return metadata, tensors, 8 + length


def _tensor(entry: Mapping[str, object]) -> Tensor:
    start, end = cast("list[int]", entry["data_offsets"])
    shape = tuple(int(side) for side in cast("list[int]", entry["shape"]))
    return Tensor(dtype=str(entry["dtype"]), shape=shape, start=int(start), end=int(end))


def _ranks(path: Path, tensors: Mapping[str, Tensor]) -> dict[str, int]:
    """Rank of each layer that has both a down and an up matrix which agree in it."""
    downs = {m["module"]: tensors[m.string] for m in map(_DOWN.fullmatch, tensors) if m}
    ups = {m["module"]: tensors[m.string] for m in map(_UP.fullmatch, tensors) if m}
    if any("dora_scale" in name or "lora_magnitude_vector" in name for name in tensors):
        raise LoraError(f"the LoRA {path} is a DoRA; diffusers would drop its magnitudes; convert it")
    if not downs:
        raise LoraError(f"the LoRA {path} holds no LoRA layers{_what_instead(tensors)}")
    for module in sorted(downs.keys() | ups.keys()):
        down, up = downs.get(module), ups.get(module)
        if down is None or up is None:
            missing = "up" if down else "down"
            raise LoraError(f"the LoRA {path} is incomplete: {module} lacks its {missing} matrix")
        if len(down.shape) != 2 or len(up.shape) != 2 or down.shape[0] != up.shape[1] or not down.shape[0]:
            raise LoraError(f"the LoRA {path} is malformed: {module} has shapes {down.shape} and {up.shape}")
    return {module: down.shape[0] for module, down in downs.items()}


def _what_instead(tensors: Mapping[str, Tensor]) -> str:
    if any(".lokr_" in name for name in tensors):
        return ": it is a LoKr; convert it to a LoRA first"
    if any(".hada_" in name for name in tensors):
        return ": it is a LoHa; convert it to a LoRA first"
    return f" among its {len(tensors)} tensors; is it a whole model?"


def _scalar(path: Path, file: BufferedReader, data_start: int, tensor: Tensor) -> float:
    file.seek(data_start + tensor.start)
    raw = file.read(tensor.end - tensor.start)
    try:
        if tensor.dtype == "BF16":  # the upper half of a float32
            return struct.unpack("<f", b"\0\0" + raw)[0]
        return float(struct.unpack(_SCALAR[tensor.dtype], raw)[0])
    except (struct.error, KeyError) as error:
        raise LoraError(f"the LoRA {path} is malformed: an alpha is not one number") from error


def _format(ranks: Mapping[str, int]) -> Format:
    first = next(iter(ranks))
    return next((format_ for prefix, format_ in _PREFIXES.items() if first.startswith(prefix)), Format.BARE)


def _alpha(
    path: Path, ranks: Mapping[str, int], tensor_alphas: Mapping[str, float], metadata: Mapping[str, str]
) -> Alpha:
    try:
        return resolve(ranks, tensor_alphas, metadata)
    except (ValueError, TypeError, KeyError, AttributeError, ZeroDivisionError, re.error) as error:
        raise LoraError(f"the LoRA {path} has malformed metadata: {error}") from error


def _trigger_words(metadata: Mapping[str, str]) -> tuple[str, ...]:
    text = next((metadata[key] for key in _TRIGGER_KEYS if metadata.get(key)), "")
    return tuple(word for word in (part.strip() for part in text.split(",")) if word)


__all__ = ["Alpha", "AlphaSource", "Format", "Header", "read"]
