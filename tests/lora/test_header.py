"""Headers are read without torch, alphas mean what diffusers makes of them, and bad files are refused."""

import json
import pickle
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from strikebox.errors import LoraError
from strikebox.lora import header
from strikebox.lora.alpha import AlphaSource
from strikebox.lora.header import Format

NAMES = {
    Format.DIFFUSERS: ("transformer.transformer_blocks.{}.attn.to_q", "lora_A", "lora_B"),
    Format.AI_TOOLKIT: ("diffusion_model.double_blocks.{}.img_attn.qkv", "lora_A", "lora_B"),
    Format.PEFT: ("base_model.model.double_blocks.{}.img_attn.qkv", "lora_A", "lora_B"),
    Format.KOHYA: ("lora_unet_double_blocks_{}_img_attn_qkv", "lora_down", "lora_up"),
    Format.BARE: ("transformer_blocks.{}.attn.to_q", "lora_A", "lora_B"),
}


Tensors = dict[str, tuple[str, list[int], bytes]]  # name -> dtype, shape, data


def pack(tensors: Tensors, metadata: Mapping[str, str] | None = None) -> bytes:
    """A safetensors file, byte by byte."""
    entries: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    data = b""
    for name, (dtype, shape, raw) in tensors.items():
        entries[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(raw)]}
        data += raw
    head = json.dumps(entries).encode()
    return struct.pack("<Q", len(head)) + head + data


def layers(format_: Format, ranks: tuple[int, ...] = (4, 4)) -> Tensors:
    name, down, up = NAMES[format_]
    tensors: Tensors = {}
    for k, rank in enumerate(ranks):
        tensors[f"{name.format(k)}.{down}.weight"] = ("F32", [rank, 6], bytes(4 * rank * 6))
        tensors[f"{name.format(k)}.{up}.weight"] = ("F32", [5, rank], bytes(4 * rank * 5))
    return tensors


def read(tmp_path: Path, content: bytes, name: str = "style.safetensors") -> header.Header:
    path = tmp_path / name
    path.write_bytes(content)
    return header.read(path)


@pytest.mark.parametrize("format_", Format)
def test_format_and_rank(tmp_path: Path, format_: Format) -> None:
    found = read(tmp_path, pack(layers(format_, (4, 8))))
    assert (found.format, found.layers, found.ranks, found.name) == (format_, 2, (4, 8), "style")


SCALARS = {
    "F64": struct.pack("<d", 8.0),
    "F32": struct.pack("<f", 8.0),
    "F16": struct.pack("<e", 8.0),
    "BF16": struct.pack("<f", 8.0)[2:],
    "I64": struct.pack("<q", 8),
}


@pytest.mark.parametrize("dtype", SCALARS)
def test_alpha_tensors(tmp_path: Path, dtype: str) -> None:
    tensors = layers(Format.KOHYA)
    tensors |= {
        f"lora_unet_double_blocks_{k}_img_attn_qkv.alpha": (dtype, [], SCALARS[dtype]) for k in range(2)
    }
    found = read(tmp_path, pack(tensors))
    assert (found.alpha.source, found.alpha.values) == (AlphaSource.TENSORS, (8.0,))
    assert found.effective_scale == (2.0, 2.0)
    assert "trained strength: alpha / rank = 2" in found.explain()


def adapter(**config: object) -> dict[str, str]:
    return {
        "lora_adapter_metadata": json.dumps({f"transformer.{key}": value for key, value in config.items()})
    }


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({"r": 4, "lora_alpha": 8}, (2.0, 2.0)),
        ({"r": 4, "lora_alpha": 8, "use_rslora": True}, (4.0, 4.0)),
        ({"r": 4, "lora_alpha": 8, "alpha_pattern": {r"transformer_blocks.1.attn.to_q": 1}}, (0.25, 2.0)),
    ],
)
def test_adapter_metadata(tmp_path: Path, config: dict[str, object], scale: tuple[float, float]) -> None:
    found = read(tmp_path, pack(layers(Format.DIFFUSERS), adapter(**config)))
    assert found.alpha.source is AlphaSource.ADAPTER_METADATA
    assert found.effective_scale == scale


def test_the_alpha_trap_is_named(tmp_path: Path) -> None:
    """No alpha: diffusers takes alpha = rank, and whoever trained with twice that gets half."""
    found = read(tmp_path, pack(layers(Format.AI_TOOLKIT)))
    assert (found.alpha.source, found.alpha.trained) == (AlphaSource.ABSENT, None)
    assert found.effective_scale == (1.0, 1.0)
    assert "alpha = rank is taken" in found.explain()


def test_an_alpha_that_diffusers_does_not_see_is_named(tmp_path: Path) -> None:
    found = read(tmp_path, pack(layers(Format.KOHYA), {"ss_network_alpha": "2.0", "ss_output_name": "old"}))
    assert (found.effective_scale, found.alpha.trained, found.name) == ((1.0, 1.0), (0.5, 0.5), "old")
    assert "trained at 0.5" in found.explain()


def test_the_explanation_is_two_lines(tmp_path: Path) -> None:
    for metadata in ({}, adapter(r=4, lora_alpha=8), {"ss_network_alpha": "1"}):
        assert read(tmp_path, pack(layers(Format.DIFFUSERS), metadata)).explain().count("\n") == 1


def test_trigger_words(tmp_path: Path) -> None:
    metadata = {"modelspec.trigger_phrase": "matchbox style, soviet"}
    assert read(tmp_path, pack(layers(Format.DIFFUSERS), metadata)).trigger_words == (
        "matchbox style",
        "soviet",
    )
    assert read(tmp_path, pack(layers(Format.DIFFUSERS))).trigger_words == ()


def test_the_hash_is_of_the_file(tmp_path: Path) -> None:
    import hashlib

    content = pack(layers(Format.DIFFUSERS))
    assert read(tmp_path, content).hash == hashlib.sha256(content).hexdigest()


def one_side(content: Tensors) -> Tensors:
    return dict(list(content.items())[:-1])


def test_a_whole_file_written_by_safetensors(tmp_path: Path) -> None:
    import numpy as np
    from safetensors import numpy

    path = tmp_path / "real.safetensors"
    arrays = {
        "transformer.x.lora_A.weight": np.zeros((3, 5)),
        "transformer.x.lora_B.weight": np.zeros((7, 3)),
    }
    numpy.save_file(arrays, path, metadata=adapter(r=3, lora_alpha=6))
    assert header.read(path).effective_scale == (2.0, 2.0)


GOOD = layers(Format.DIFFUSERS)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated"),
        (b"\x10\0\0", "truncated"),
        (pack(GOOD)[:-1], "truncated"),
        (pack(GOOD)[:40], "truncated"),
        (b"GIF89a" + bytes(100), "not a safetensors file"),
        (struct.pack("<Q", 4) + b"{{{{", "header is malformed"),
        (struct.pack("<Q", 2) + b"[]", "header is malformed"),
        (struct.pack("<Q", 9) + b'{"a": 42}', "header is malformed"),
        (struct.pack("<Q", 2) + b"{}", "no LoRA layers"),
        (pack({"x.weight": ("F32", [1], bytes(4))}), "is it a whole model"),
        (pack({"x.lokr_w1": ("F32", [1], bytes(4))}), "LoKr"),
        (pack(one_side(GOOD)), "lacks its up matrix"),
        (pack({**GOOD, "transformer.x.dora_scale": ("F32", [1], bytes(4))}), "DoRA"),
        (pack({**GOOD, "transformer.x.alpha": ("F32", [2], bytes(8))}), "alpha is not one number"),
        (pack(GOOD, {"lora_adapter_metadata": "{"}), "malformed metadata"),
        (pack(GOOD, {"lora_adapter_metadata": "{}"}), "malformed metadata"),
        (pack(GOOD, {"ss_network_alpha": "much"}), "malformed metadata"),
    ],
)
def test_a_bad_file_is_one_clear_error(tmp_path: Path, content: bytes, message: str) -> None:
    with pytest.raises(LoraError, match=message) as error:
        read(tmp_path, content)
    assert "\n" not in str(error.value)


def zipped(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("data.pkl", b"")


@pytest.mark.parametrize("name", ["lora.safetensors", "lora.pt", "lora.ckpt", "lora.bin"])
@pytest.mark.parametrize("write", [zipped, lambda path: path.write_bytes(pickle.dumps({}))])
def test_a_pickle_is_refused_and_the_way_out_named(
    tmp_path: Path, name: str, write: Callable[[Path], object]
) -> None:
    write(tmp_path / name)
    with pytest.raises(LoraError, match=r"pickle.*\.safetensors.*save_file"):
        header.read(tmp_path / name)


def test_a_pickle_by_its_name_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LoraError, match="pickle"):
        read(tmp_path, pack(GOOD), "lora.bin")


def test_missing_and_folder(tmp_path: Path) -> None:
    with pytest.raises(LoraError, match="does not exist"):
        header.read(tmp_path / "none.safetensors")
    read(tmp_path, pack(GOOD))
    with pytest.raises(LoraError, match=r"is a folder.*did you mean .*style\.safetensors"):
        header.read(tmp_path)
