"""Forwards as CUDA graphs: the launches of small kernels take longer than the kernels."""

import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, final

import torch
from torch import Tensor

from strikebox.klein.forward import Inputs, Run

_log = logging.getLogger(__name__)

FEW_TOKENS = 2 * (1024 + 512)  # in all rows: guidance at 512 px, with klein's 512 tokens of text
_KEPT = 6  # shapes
_TOLERANCE = 0.01  # of the norm; mostly the bits are the same
_WARMING = 3  # runs before a capture: kernels are chosen, compiled and loaded in them

Replay = Callable[[], Tensor]
Capture = Callable[[Run, Inputs], Replay]
"""A run and the inputs whose memory it reads from now on -> what runs it again on what lies there then."""


@dataclass(frozen=True, slots=True)
class _Captured:
    """What one shape needs."""

    buffers: Inputs  # the memory that the graphs read
    replays: Sequence[Replay]  # one a way to run


@final
class Graphs:
    """Runs steps from graphs, one a shape and way to run."""

    def __init__(self, capture: Capture | None = None, most_tokens: int | None = None) -> None:
        """Larger steps than `most_tokens` (in all rows, text included) run eagerly."""
        self._capture, self._most = capture or CudaCapture(), most_tokens
        self._broken = False
        self._captured: OrderedDict[tuple[object, ...], _Captured] = OrderedDict()

    def begin(self, first: Inputs, ways: Sequence[Run]) -> Sequence[Run]:
        rows, positions, _ = first.tokens.shape
        tokens = rows * (positions + first.text.shape[1])
        if self._broken or (self._most is not None and tokens > self._most):
            return ways
        try:
            captured = self._graphs(first, ways)
        except RuntimeError as error:  # what CUDA raises, and what is raised of a wrong graph below
            self._broken = True
            _log.warning("CUDA graphs: off, because %s", " ".join(str(error).split())[:200])
            return ways
        for name in ("text", "cosines", "sines"):
            getattr(captured.buffers, name).copy_(getattr(first, name))
        return [partial(_replayed, captured.buffers, replay) for replay in captured.replays]

    def _graphs(self, first: Inputs, ways: Sequence[Run]) -> _Captured:
        given: tuple[Tensor | None, ...] = _tensors(first)
        key = (first.tokens.dtype, len(ways), *(None if t is None else tuple(t.shape) for t in given))
        if key not in self._captured:
            buffers = Inputs(*(None if t is None else t.clone() for t in given))  # type: ignore[arg-type]
            replays: list[Replay] = []
            for way in ways:
                replays.append(self._capture(way, buffers))
                _prove(way, buffers, replays[-1])
            self._captured[key] = _Captured(buffers, replays)
        self._captured.move_to_end(key)
        while len(self._captured) > _KEPT:
            self._captured.popitem(last=False)
        return self._captured[key]


def _tensors(inputs: Inputs) -> tuple[Tensor | None, ...]:
    return tuple(getattr(inputs, name) for name in Inputs.__slots__)


def _replayed(buffers: Inputs, replay: Replay, inputs: Inputs) -> Tensor:
    buffers.tokens.copy_(inputs.tokens)
    buffers.time.copy_(inputs.time)
    return replay()


def _prove(run: Run, buffers: Inputs, replay: Replay) -> None:
    """Raises RuntimeError where the graph gives other velocities, at once or for the next inputs."""
    for sign in (1, -1):
        buffers.tokens.mul_(sign)
        right, found = run(buffers).clone(), replay()
        off = torch.linalg.vector_norm((found - right).float()) / torch.linalg.vector_norm(right.float())
        if not off <= _TOLERANCE:
            raise RuntimeError(f"a graph's velocities are off by {float(off):.1%}")


@final
class CudaCapture:
    """Captures CUDA graphs that share the memory of what is computed in between: they run one at a time."""

    def __init__(self) -> None:
        self._pool: Any = None

    def __call__(self, run: Run, buffers: Inputs) -> Replay:
        """Raises RuntimeError where the run holds what no graph can."""
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        aside = torch.cuda.Stream()
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(_WARMING):
                run(buffers)
        torch.cuda.current_stream().wait_stream(aside)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, pool=self._pool):
            output = run(buffers)

        def replay() -> Tensor:
            graph.replay()
            return output

        return replay
