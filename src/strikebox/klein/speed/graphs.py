"""Small forwards as CUDA graphs: below 512 px the launches of kernels take longer than the kernels."""

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import fields
from typing import final

import torch
from torch import Tensor

from strikebox.klein.forward import Inputs, Run

_log = logging.getLogger(__name__)

MOST_TOKENS = 2 * (1024 + 512)  # in all rows: guidance at 512 px, with klein's 512 tokens of text
_KEPT = 6  # graphs: each holds the activations of its shape
_TOLERANCE = 0.01  # of the norm; mostly the bits are the same
_WARMING = 3  # runs before a capture: kernels are chosen, compiled and loaded in them

Replay = Callable[[], Tensor]
Capture = Callable[[Run, Inputs], Replay]
"""A run and the inputs whose memory it reads from now on -> what runs it again on what lies there then."""


@final
class Graphs:
    """Runs steps from a graph, one a shape, where they are small enough for that to pay."""

    def __init__(self, run: Run, capture: Capture | None = None, most_tokens: int = MOST_TOKENS) -> None:
        self._run, self._capture, self._most = run, capture or capture_cuda, most_tokens
        self._broken = False
        self._captured: OrderedDict[tuple[object, ...], tuple[Inputs, Replay]] = OrderedDict()

    def begin(self, first: Inputs) -> Run:
        rows, positions, _ = first.tokens.shape
        if self._broken or rows * (positions + first.text.shape[1]) > self._most:
            return self._run
        try:
            buffers, replay = self._graph(first)
        except RuntimeError as error:  # what CUDA raises, and what is raised of a wrong graph below
            self._broken = True
            _log.warning("CUDA graphs: off, because %s", " ".join(str(error).split())[:200])
            return self._run
        for name in ("text", "cosines", "sines"):
            getattr(buffers, name).copy_(getattr(first, name))

        def run(inputs: Inputs) -> Tensor:
            buffers.tokens.copy_(inputs.tokens)
            buffers.time.copy_(inputs.time)
            return replay()

        return run

    def _graph(self, first: Inputs) -> tuple[Inputs, Replay]:
        key = (first.tokens.dtype, *(tuple(getattr(first, f.name).shape) for f in fields(Inputs)))
        if key not in self._captured:
            buffers = Inputs(*(getattr(first, f.name).clone() for f in fields(Inputs)))
            replay = self._capture(self._run, buffers)
            self._prove(buffers, replay)
            self._captured[key] = (buffers, replay)
        self._captured.move_to_end(key)
        while len(self._captured) > _KEPT:
            self._captured.popitem(last=False)
        return self._captured[key]

    def _prove(self, buffers: Inputs, replay: Replay) -> None:
        """Raises RuntimeError where the graph gives other velocities, at once or for the next inputs."""
        for sign in (1, -1):
            buffers.tokens.mul_(sign)
            right, found = self._run(buffers).clone(), replay()
            off = torch.linalg.vector_norm((found - right).float()) / torch.linalg.vector_norm(right.float())
            if not off <= _TOLERANCE:
                raise RuntimeError(f"a graph's velocities are off by {float(off):.1%}")


def capture_cuda(run: Run, buffers: Inputs) -> Replay:
    """`run` over `buffers` as a CUDA graph. Raises RuntimeError where it holds what no graph can."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(_WARMING):
            run(buffers)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = run(buffers)

    def replay() -> Tensor:
        graph.replay()
        return output

    return replay
