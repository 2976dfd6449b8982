"""A LoRA in and out of a transformer's weights, exactly."""

import contextlib
from collections.abc import Iterator, Mapping
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

    Raises LoraError where the file cannot be read, touches no layer, or was made for another model.
    """

    def __init__(self, transformer: Flux2Transformer2DModel, path: Path) -> None:
        self.header = header.read(path)
        self._deltas = {
            name: Delta(delta.down.to(transformer.device), delta.up.to(transformer.device), delta.ratio)
            for name, delta in read_deltas(transformer, path).items()
        }
        self._weights = {name: _linear(transformer, name).weight for name in self._deltas}
        self._pristine = {name: weight.detach().clone() for name, weight in self._weights.items()}
        self._ordered: dict[str, Delta] = {}
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
        self._settled = False  # an interrupt from here on leaves weights of two states
        for name, weight in self._weights.items():
            weight.copy_(self._merged(name, strengths[name], state.rank if state else None))
        self._state, self._settled = state, True

    def _merged(self, name: str, strength: float, rank: int | None) -> Tensor:
        pristine = self._pristine[name]
        if strength == 0:
            return pristine
        return pristine.float() + strength * self._delta(name, rank).dense()

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
