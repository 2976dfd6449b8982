"""A transformer made fast, step by step; a step after which pictures would not stay right is taken back."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import final

import torch
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from torch import Tensor

from strikebox.klein.forward import Forward, OnceForward, PlainForward
from strikebox.klein.speed import attention, compiling, cudnn_attention, graphs, quantising, selfcheck
from strikebox.klein.speed.attention import Kernel
from strikebox.klein.speed.graphs import Capture, Graphs
from strikebox.klein.speed.reuse import mask
from strikebox.klein.speed.tiers import PLAIN, Switches

_log = logging.getLogger(__name__)
_WHAT = {
    "graphs": "CUDA graphs",
    "reuse": "features of earlier steps",
    "compiled": "compiled blocks",
    "eight_attention": "8-bit attention",
    "fused": "fused blocks",
    "attention": "the measured attention kernel",
    "eight": "8-bit products",
    "once": "what is computed once",
}  # in the order in which they are suspected
_OFF = {field: getattr(PLAIN, field) for field in _WHAT}


@dataclass(frozen=True, slots=True)
class Sample:
    """What the self-check runs on."""

    text: Callable[[], Tensor]  # (rows, tokens, dim): embeddings of real prompts
    shape: tuple[int, int]  # height and width of the latents


@final
class Tuned:
    """A transformer with its switches on, as far as they proved right."""

    def __init__(
        self,
        transformer: Flux2Transformer2DModel,
        wanted: Switches,
        sample: Sample,
        capture: Capture | None = None,
    ) -> None:
        self._transformer, self._wanted, self._capture = transformer, wanted, capture
        self._before: dict[str, Tensor] = {}
        self._kernel = attention.DEFAULT
        self._notices: list[str] = []
        self.switches = PLAIN
        self.forward: Forward = PlainForward(transformer)
        if wanted != PLAIN:
            self._settle(wanted, sample)
        self._before = {}  # proved: the weights need not be restored any more

    @property
    def notices(self) -> tuple[str, ...]:
        """What was wanted and is off, a line each, with the reason."""
        return tuple(self._notices)

    @property
    def kernel(self) -> str:
        """Name of the attention kernel, as diffusers calls it."""
        return self._kernel

    def without_compiling(self, error: Exception) -> None:
        """Go on uncompiled: the compiler failed on a shape that the check did not run."""
        self._turn_off("compiled", error)

    def _settle(self, wanted: Switches, sample: Sample) -> None:
        """Turn everything on, check, and turn off what is suspected first until the check passes."""
        if replace(wanted, once=False) == PLAIN:
            # Computing once is the same arithmetic: alone it has nothing to prove, and a forward takes
            # minutes where a large model runs on a processor.
            self._turn_on(wanted, tokens=0)
            return
        given = selfcheck.conditions(sample.text(), sample.shape)
        channels = self._transformer.config["in_channels"]
        right = selfcheck.velocities(self.forward, given, channels)
        self._turn_on(wanted, tokens=len(given.text_ids) + len(given.image_ids))
        while self.switches != PLAIN:
            reason = self._wrong(lambda: selfcheck.velocities(self.forward, given, channels), right)
            if reason is None:
                return
            self._turn_off(next(name for name in _WHAT if _is_on(self.switches, name)), reason)

    def _wrong(self, run: Callable[[], Tensor], right: Tensor) -> Exception | str | None:
        """Why the model as it is must not be used; None where it may."""
        quantised = self.switches.eight is not None
        most = (
            selfcheck.QUANTISED_TOLERANCE if quantised else selfcheck.TOLERANCE[dtype_of(self._transformer)]
        )
        try:
            off = selfcheck.error(run(), right)
        except Exception as error:  # torch, its compiler, diffusers and torchao raise all kinds
            return error
        return None if off <= most else f"velocities are off by {off:.1%}, at most {most:.1%} is rounding"

    def _turn_on(self, wanted: Switches, tokens: int) -> None:
        for name, turn_on in self._steps(wanted, tokens):
            try:
                on = turn_on()
            except Exception as error:  # as above; what did not come on is off
                self._note(name, error)
            else:
                if on is not False:
                    self.switches = replace(self.switches, **{name: getattr(wanted, name)})
        self._set_forward()

    def _steps(self, wanted: Switches, tokens: int) -> Iterator[tuple[str, Callable[[], bool | None]]]:
        """Names of the switches that are wanted, in order, with what turns them on.

        That says False where it is no gain, and left off.
        """
        ways: dict[str, Callable[[], bool | None]] = {
            "once": lambda: None,
            "attention": lambda: self._choose_kernel(tokens, compiled=wanted.compiled and not wanted.fused),
            "eight": lambda: self._quantise(wanted),
            "fused": lambda: self._fuse(attention.kernel(self._kernel)),
            "eight_attention": lambda: self._attend_in_eight(tokens),
            "compiled": self._compile,
            "reuse": lambda: None,
            "graphs": lambda: None,
        }
        return ((name, way) for name, way in ways.items() if _is_on(wanted, name))

    def _choose_kernel(self, tokens: int, *, compiled: bool) -> None:
        self._kernel = attention.choose(self._transformer, tokens, compiled=compiled)
        attention.use(self._transformer, self._kernel)

    def _fuse(self, kernel: Kernel, *, eight: bool = False) -> None:
        from strikebox.klein.speed import fused  # needs Triton

        fused.use(self._transformer, fused.Attention(kernel, eight))

    def _unfuse(self) -> None:
        from strikebox.klein.speed import fused

        fused.undo(self._transformer)
        if self._wanted.compiled:  # one step back
            self._turn_on(replace(PLAIN, compiled=True), tokens=0)

    def _attend_in_eight(self, tokens: int) -> bool:
        if not self.switches.fused or not cudnn_attention.gains(self._transformer, tokens, self._kernel):
            return False
        self._fuse(cudnn_attention.attend, eight=True)
        return True

    def _compile(self) -> bool:
        if self.switches.fused:
            return False
        compiling.compile_blocks(self._transformer)
        return True

    def _quantise(self, wanted: Switches) -> None:
        assert wanted.eight is not None
        self._before = quantising.quantise(self._transformer, wanted.eight)

    def _turn_off(self, name: str, reason: Exception | str) -> None:
        self._note(name, reason)
        self.switches = replace(self.switches, **{name: _OFF[name]})
        match name:
            case "compiled":
                compiling.undo(self._transformer)
            case "eight_attention":
                self._fuse(attention.kernel(self._kernel))
            case "fused":
                self._unfuse()
            case "attention":
                self._kernel = attention.DEFAULT
                attention.use(self._transformer, self._kernel)
            case "eight":
                quantising.restore(self._transformer, self._before)
            case _:
                pass
        self._set_forward()

    def _set_forward(self) -> None:
        on = self.switches
        if on.once:
            few = graphs.FEW_TOKENS if on.graphs == "small" else None
            runner = Graphs(self._capture, few) if on.graphs else None
            self.forward = OnceForward(
                self._transformer, runner, partial(mask, policy=on.reuse) if on.reuse else None
            )
        else:
            self.forward = PlainForward(self._transformer)

    def _note(self, name: str, reason: Exception | str) -> None:
        words = " ".join(str(reason).split()) or type(reason).__name__
        line = f"{_WHAT[name]}: off, because {words[:200]}"
        self._notices.append(line)
        _log.warning("%s", line)


def _is_on(switches: Switches, name: str) -> bool:
    return getattr(switches, name) != _OFF[name]


def dtype_of(transformer: Flux2Transformer2DModel) -> torch.dtype:
    """Precision of what is not quantised."""
    return transformer.x_embedder.weight.dtype
