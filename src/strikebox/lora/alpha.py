"""Which alpha a LoRA file states, and what diffusers makes of it at scale 1.0."""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from math import sqrt
from typing import Any

_PREFIX = "transformer."


class AlphaSource(StrEnum):
    """Where the alpha comes from."""

    TENSORS = "alpha tensors"
    ADAPTER_METADATA = "lora_adapter_metadata"
    KOHYA_HEADER = "ss_network_alpha"  # in the header alone: diffusers does not look there
    ABSENT = "absent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alpha:
    """Alphas of a LoRA's layers and their ratios to the rank; ranges are (least, greatest) over layers."""

    source: AlphaSource
    values: tuple[float, ...]  # the distinct ones, ascending; empty where absent
    applied: tuple[float, float]  # alpha / rank that diffusers applies at scale 1.0
    trained: tuple[float, float] | None  # alpha / rank of training; None where the file does not say

    def describe(self) -> str:
        """The alpha in a few words."""
        if not self.values:
            return "no alpha"
        return f"alpha {' and '.join(f'{value:g}' for value in self.values)} ({self.source})"

    def meaning(self) -> str:
        """What a scale means for this file, in one line."""
        if self.trained is None:
            return (
                "Scale 1.0 adds it at alpha / rank = 1: the file carries no alpha, so alpha = rank is taken; "
                "if it was trained with alpha = 2 x rank, its trained strength is scale 2.0."
            )
        if self.trained != self.applied:
            return (
                f"Scale 1.0 adds it at alpha / rank = {_range(self.applied)}, but it was trained at "
                f"{_range(self.trained)}: its trained strength is scale {_range(self.trained)}."
            )
        return f"Scale 1.0 is the trained strength: alpha / rank = {_range(self.applied)} is applied with it."


def resolve(ranks: Mapping[str, int], tensors: Mapping[str, float], metadata: Mapping[str, str]) -> Alpha:
    """The alpha of layers with `ranks`, from alpha `tensors` by layer or from the header's `metadata`.

    Raises ValueError, TypeError, KeyError or AttributeError on metadata of another form.
    """
    adapter = metadata.get("lora_adapter_metadata")
    if tensors:
        alphas = {module: tensors.get(module, float(rank)) for module, rank in ranks.items()}
        return _stated(AlphaSource.TENSORS, alphas.values(), [alphas[m] / r for m, r in ranks.items()])
    if adapter:
        return _from_adapter(ranks, json.loads(adapter))
    if metadata.get("ss_network_alpha", "None") != "None":
        alpha = float(metadata["ss_network_alpha"])
        trained = _extent(alpha / rank for rank in ranks.values())
        return Alpha(source=AlphaSource.KOHYA_HEADER, values=(alpha,), applied=(1.0, 1.0), trained=trained)
    return Alpha(source=AlphaSource.ABSENT, values=(), applied=(1.0, 1.0), trained=None)


def _from_adapter(ranks: Mapping[str, int], adapter: Mapping[str, Any]) -> Alpha:
    """PEFT's LoraConfig as diffusers stores it: one alpha and rank, and exceptions by module pattern."""
    alphas = {module: _of_module(module, adapter, "alpha_pattern", "lora_alpha") for module in ranks}
    rslora = bool(adapter.get(f"{_PREFIX}use_rslora", False))
    ratios = [alphas[module] / (sqrt(rank) if rslora else rank) for module, rank in ranks.items()]
    return _stated(AlphaSource.ADAPTER_METADATA, alphas.values(), ratios)


def _of_module(module: str, adapter: Mapping[str, Any], patterns: str, default: str) -> float:
    name = module.removeprefix(_PREFIX)
    exceptions: Mapping[str, Any] = adapter.get(_PREFIX + patterns) or {}
    for pattern, value in exceptions.items():
        if re.match(rf"(.*\.)?({pattern})$", name):
            return float(value)
    return float(adapter[_PREFIX + default])


def _stated(source: AlphaSource, alphas: Iterable[float], ratios: Iterable[float]) -> Alpha:
    extent = _extent(ratios)
    return Alpha(source=source, values=tuple(sorted(set(alphas))), applied=extent, trained=extent)


def _extent(values: Iterable[float]) -> tuple[float, float]:
    ordered = sorted(values)
    return ordered[0], ordered[-1]


def _range(extent: tuple[float, float]) -> str:
    low, high = extent
    return f"{low:g}" if low == high else f"{low:g} to {high:g}"
