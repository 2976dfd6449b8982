"""A LoRA in and out of a transformer's weights, exactly."""

import contextlib
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, final

import torch
from diffusers.loaders.lora_pipeline import Flux2LoraLoaderMixin
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from peft.tuners.lora import LoraLayer
from safetensors import SafetensorError
from torch import Tensor, nn

from strikebox.errors import LoraError
from strikebox.generation.backend import LoraState
from strikebox.lora import header

_NAME = "style"
_PREFIX = "transformer."


@dataclass(frozen=True, slots=True)
class Delta:
    """What the LoRA adds to one weight (out, in) at scale 1.0: ratio * up @ down."""

    down: Tensor  # (rank, in), float32
    up: Tensor  # (out, rank), float32
    ratio: float  # alpha / rank

    def dense(self) -> Tensor:
        """(out, in), float32."""
        return self.ratio * (self.up @ self.down)

    def ordered(self) -> "Delta":
        """The same product, up to rounding, with its directions in falling order of singular value.

        So the first k columns of `up` and rows of `down` are the nearest matrix of rank k in every unitarily
        invariant norm (Eckart and Young). With up = Q R and down = (P S)^T, up @ down = Q (R S^T) P^T, whose
        middle is rank x rank: the product itself, which may have 10^8 entries, is never decomposed.
        """
        left, r = torch.linalg.qr(self.up.cpu().double())
        right, s = torch.linalg.qr(self.down.cpu().double().T)
        u, values, v = torch.linalg.svd(r @ s.T, full_matrices=False)
        up, down = left @ (u * values.sqrt()), (right @ (v.T * values.sqrt())).T
        return Delta(down.to(self.down), up.to(self.up), self.ratio)

    def first(self, rank: int) -> "Delta":
        """Its first `rank` directions."""
        return Delta(self.down[:rank], self.up[:, :rank], self.ratio)


@final
class Adapter:
    """Merges a LoRA into the weights of a transformer. The weights it touches are copied once, before.

    Weights may be quantised after that: what is merged takes the form that the layer's weight has by then.
    Raises LoraError where the file cannot be read, touches no layer, or was made for another model.
    """

    def __init__(
        self,
        transformer: Flux2Transformer2DModel,
        path: Path,
        *,
        like: Callable[[Tensor, Tensor], Tensor] = lambda present, merged: merged.to(present.dtype),
        home: torch.device | None = None,
        sets: int = 0,
    ) -> None:
        """
        like: a layer's present weight, the merged one (out, in, float32) -> the latter in the former's form
        home: where the untouched weights are kept; None: beside the layers
        sets: how many states' merged weights are kept, so that going to and fro between them is a copy
        """
        self.header = header.read(path)
        self._deltas = {
            name: Delta(delta.down.to(transformer.device), delta.up.to(transformer.device), delta.ratio)
            for name, delta in read_deltas(transformer, path).items()
        }
        self._linears = {name: _linear(transformer, name) for name in self._deltas}
        self._pristine = {name: _copy(layer.weight.detach(), home) for name, layer in self._linears.items()}
        self._ordered: dict[str, Delta] = {}
        self._like, self._sets = like, sets
        self._kept: OrderedDict[LoraState | None, dict[str, Tensor]] = OrderedDict()
        self._state: LoraState | None = None
        self._settled = True

    @property
    def layers(self) -> tuple[str, ...]:
        """Names of the layers that it touches."""
        return tuple(self._deltas)

    @torch.no_grad()
    def set(self, state: LoraState | None) -> None:
        """Make the weights pristine + scale * block factor * delta; None restores every bit.

        A rank keeps as many directions of each layer's delta, the strongest; alpha / rank stays as it is.
        Raises LoraError where a block prefix of `state` names no layer of the LoRA.
        """
        if state == self._state and self._settled:
            return
        strengths = dict.fromkeys(self._deltas, 0.0) if state is None else self._strengths(state)
        rank = state.rank if state else None
        self._settled = False  # an interrupt from here on leaves weights of two states
        for name, weight in self._weights(state, strengths, rank):
            self._linears[name].weight.copy_(weight)  # in place: compiled code and graphs know its address
        self._state, self._settled = state, True

    def _weights(
        self, state: LoraState | None, strengths: Mapping[str, float], rank: int | None
    ) -> Iterator[tuple[str, Tensor]]:
        """The weights of a state, from the kept set or made, and then kept where there is room for a set."""
        if state in self._kept:
            self._kept.move_to_end(state)
            yield from self._kept[state].items()
            return
        making: dict[str, Tensor] = {}
        for name, strength in strengths.items():
            weight = self._merged(name, strength, rank)
            if self._sets:
                making[name] = weight
            yield name, weight
        if self._sets:
            self._kept[state] = making
            while len(self._kept) > self._sets:
                self._kept.popitem(last=False)

    def _merged(self, name: str, strength: float, rank: int | None) -> Tensor:
        present = self._linears[name].weight.detach()
        pristine = self._pristine[name].to(present.device, non_blocking=True)
        merged = pristine.float()  # the pristine weight itself where that is float32: never changed in place
        if strength != 0:
            merged = merged + strength * self._delta(name, rank).dense()
        return self._like(present, merged)

    def _delta(self, name: str, rank: int | None) -> Delta:
        whole = self._deltas[name]
        if rank is None or rank >= len(whole.down):
            return whole
        if name not in self._ordered:
            self._ordered[name] = whole.ordered()
        return self._ordered[name].first(rank)

    def _strengths(self, state: LoraState) -> dict[str, float]:
        for prefix, _ in state.blocks:
            if not any(_within(name, prefix) for name in self._deltas):
                blocks = sorted({".".join(name.split(".")[:2]) for name in self._deltas})
                raise LoraError(f"the LoRA touches no block {prefix!r}; it touches {', '.join(blocks)}")
        return {name: state.scale * _factor(name, state) for name in self._deltas}


def read_deltas(transformer: Flux2Transformer2DModel, path: Path) -> dict[str, Delta]:
    """What the LoRA at `path` adds to each layer of `transformer`, on the CPU.

    diffusers and PEFT parse it, on a skeleton without weights: any format they read is read, with the
    strength they would give it.
    """
    state, metadata = _parse(path)
    _check_shapes(transformer, state, path)
    with torch.device("meta"):
        skeleton = cast(Flux2Transformer2DModel, Flux2Transformer2DModel.from_config(transformer.config))
    with _as_lora_error(path):
        skeleton.load_lora_adapter(
            state, prefix="transformer", adapter_name=_NAME, metadata=metadata, low_cpu_mem_usage=True
        )
    layers = ((name, layer) for name, layer in skeleton.named_modules() if isinstance(layer, LoraLayer))
    return {name: _delta(name, state, layer.scaling[_NAME]) for name, layer in layers}


def _parse(path: Path) -> tuple[dict[str, Tensor], dict[str, Any] | None]:
    """State dict in diffusers' keys, those of the transformer alone, and PEFT's metadata."""
    with _as_lora_error(path):
        parsed: Any = Flux2LoraLoaderMixin.lora_state_dict(
            str(path.parent), weight_name=path.name, return_lora_metadata=True, local_files_only=True
        )
    state, metadata = parsed
    ours = {_in_peft_keys(key): value for key, value in state.items() if key.startswith(_PREFIX)}
    if not ours:
        raise LoraError(
            f"the LoRA {path} touches no layer: diffusers knows none of its keys, such as "
            f"{next(iter(state), '')!r}; it knows transformer.transformer_blocks.0.attn.to_q.lora_A.weight"
        )
    strange = [key for key in ours if ".lora_" not in key or not key.endswith(".weight")]
    if strange:
        raise LoraError(f"the LoRA {path} holds {strange[0]!r}, which diffusers does not read in a LoRA")
    return ours, metadata


def _check_shapes(transformer: nn.Module, state: Mapping[str, Tensor], path: Path) -> None:
    modules = dict(transformer.named_modules())
    for key, tensor in state.items():
        name = _module_of(key)
        module = modules.get(name)
        if not isinstance(module, nn.Linear):
            raise LoraError(f"the LoRA {path} was made for another model: this one has no layer {name}")
        theirs, ours, side = (
            (tensor.shape[1], module.in_features, "inputs")
            if ".lora_A." in key
            else (tensor.shape[0], module.out_features, "outputs")
        )
        if theirs != ours:
            raise LoraError(
                f"the LoRA {path} was made for another model: its {name} has {theirs} {side}, "
                f"this model's has {ours}"
            )


@contextlib.contextmanager
def _as_lora_error(path: Path) -> Iterator[None]:
    """What diffusers and PEFT raise and print of a file that they cannot read, as one line."""
    try:
        yield
    except (ValueError, KeyError, IndexError, TypeError, RuntimeError, OSError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise LoraError(f"the LoRA {path} cannot be loaded: {reason[:300]}") from error


def _in_peft_keys(key: str) -> str:
    return key.replace(".lora.down.", ".lora_A.").replace(".lora.up.", ".lora_B.")


def _module_of(key: str) -> str:
    return key.removeprefix(_PREFIX).partition(".lora_")[0]


def _delta(name: str, state: Mapping[str, Tensor], ratio: float) -> Delta:
    down, up = (state[f"{_PREFIX}{name}.lora_{side}.weight"] for side in "AB")
    return Delta(down.float(), up.float(), float(ratio))


def _copy(weight: Tensor, home: torch.device | None) -> Tensor:
    """A copy of `weight` at `home`; on the CPU in memory that a graphics card reads directly."""
    if home is None or home == weight.device:
        return weight.clone()
    return weight.to(home).pin_memory() if weight.is_cuda else weight.to(home, copy=True)


def _linear(transformer: nn.Module, name: str) -> nn.Linear:
    module = transformer.get_submodule(name)
    assert isinstance(module, nn.Linear)
    return module


def _factor(name: str, state: LoraState) -> float:
    """The factor of the most specific block prefix that holds layer `name`; 1 where none does."""
    matching = [(len(prefix), factor) for prefix, factor in state.blocks if _within(name, prefix)]
    return max(matching)[1] if matching else 1.0


def _within(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(f"{prefix}.")
