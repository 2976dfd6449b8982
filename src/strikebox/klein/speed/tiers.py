"""The tiers of speed, and which switches each turns on. No tensor library: the command line reads this.

exact        the same picture to rounding
quantised    the same work with 8-bit matrix products
approximate  quantised, and features of earlier steps used again
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal, cast, get_args

from strikebox.errors import DeviceError

Speed = Literal["exact", "quantised", "approximate"]
Eight = Literal["fp8", "int8"]  # kinds of 8-bit products
Reuse = Literal["slow", "medium", "fast", "ultra"]  # 18, 15, 11 and 8 of 28 steps computed
Graphed = Literal["small", "any"]  # forwards that run as CUDA graphs, by the size of the picture

SPEEDS: tuple[Speed, ...] = get_args(Speed)
_LOSSY = ("eight", "eight_attention", "reuse")  # switches that change pictures


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the choice of switches depends on."""

    kind: str  # of device: cuda, cpu, mps
    capability: tuple[int, int] = (0, 0)  # of a CUDA device
    half: bool = True  # 16-bit floats; attention kernels other than the default take no others
    compiler: bool = True  # torch.compile can make kernels for the device
    torchao: bool = False  # is installed
    cudnn_frontend: bool = False  # is installed
    compile_gains: bool = False  # measured on this machine; counts on a processor alone


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """What is turned on. The plain path has none of it."""

    once: bool = False  # what does not change from step to step is computed once
    attention: bool = False  # the fastest kernel by measurement
    fused: bool = False  # blocks by kernels of our own between their products
    compiled: bool = False  # blocks by torch's compiler, where they are not fused
    graphs: Graphed | None = None
    eight: Eight | None = None  # 8-bit products in the blocks
    eight_attention: bool = False  # 8-bit floats in the attention of fused blocks, where that is faster
    reuse: Reuse | None = None  # which steps take features of earlier ones


PLAIN = Switches()


def parse(name: str) -> Speed:
    """The tier called `name`. Raises DeviceError on another name."""
    if name not in SPEEDS:
        raise DeviceError(f"speed {name!r} is unknown; choose {', '.join(SPEEDS)}")
    return cast(Speed, name)


def choose(speed: Speed, facts: Facts, reuse: Reuse = "medium") -> tuple[Switches, tuple[str, ...]]:
    """The switches of a tier on a machine, and one line for each step that it falls back."""
    cuda = facts.kind == "cuda"
    notices: list[str] = []
    if cuda and not facts.compiler:
        notices.append("blocks are neither fused nor compiled: there is no Triton for this device")
    eight = _eight(facts, notices) if speed != "exact" else None
    fused = cuda and facts.compiler and facts.half and facts.capability >= (8, 0) and eight != "int8"
    switches = Switches(
        once=True,
        attention=cuda and facts.half,
        fused=fused,
        compiled=facts.compiler if cuda else facts.compile_gains,
        graphs="any" if cuda else None,
        eight=eight,
        eight_attention=fused and eight == "fp8" and _eight_attention(facts, notices),
        reuse=reuse if speed == "approximate" else None,
    )
    return switches, tuple(notices)


def _eight(facts: Facts, notices: list[str]) -> Eight | None:
    """Ada and Hopper multiply 8-bit floats, Ampere 8-bit integers."""
    if facts.kind != "cuda" or facts.capability < (8, 0) or not facts.half:
        notices.append("not quantised: 8-bit products take a CUDA device of Ampere or later, and bfloat16")
        return None
    if not facts.torchao:
        notices.append("not quantised: torchao is missing; pip install 'strikebox[speed]'")
        return None
    return "fp8" if facts.capability >= (8, 9) else "int8"


def _eight_attention(facts: Facts, notices: list[str]) -> bool:
    """cuDNN has it from Hopper on."""
    if facts.capability >= (9, 0) and not facts.cudnn_frontend:
        notices.append(
            "attention in 16 bits: nvidia-cudnn-frontend is missing; pip install 'strikebox[speed]'"
        )
    return facts.capability >= (9, 0) and facts.cudnn_frontend


def marked(hash: str, switches: Switches) -> str:
    """The hash of a model whose pictures are only nearly its own; `hash` itself where they are the same.

    So cells, runs and pictures of different tiers are never taken for one another.
    """
    lossy = {key: value for key, value in asdict(switches).items() if key in _LOSSY and value}
    if not lossy:
        return hash
    return hashlib.sha256(f"{hash} {json.dumps(lossy, sort_keys=True)}".encode()).hexdigest()
