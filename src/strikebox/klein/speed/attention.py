"""Which attention kernel a transformer uses, chosen by measurement on the device.

On an H200 cuDNN runs klein's attention about twice as fast as flash attention; on other cards it is the other
way round, or it is not there at all. What torch takes by itself depends on its version, on strides and on the
compiler. So it is measured, the way it will run, once a machine and torch.
"""

import logging
from collections.abc import Callable, Mapping

import torch
from diffusers.models.attention_dispatch import AttentionBackendName, dispatch_attention_fn
from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel
from torch import Tensor

from strikebox.klein.speed import machine

DEFAULT = "native"
CANDIDATES = (DEFAULT, "_native_cudnn", "_native_flash")
_TOLERANCE = 0.02  # of the norm: a kernel that rounds otherwise stays well below it, a wrong one far above
_REPEATS = 10

Kernel = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Query, key and value (rows, tokens, heads, head size) to the same shape."""


def choose(transformer: Flux2Transformer2DModel, tokens: int, *, compiled: bool) -> str:
    """Name of the fastest right kernel for forwards of `tokens` (text included), two rows a time."""
    device, dtype = transformer.device, transformer.dtype
    question = f"{'compiled ' if compiled else ''}attention of {tokens} tokens"
    known = machine.recall(question, device, dtype)
    if known in CANDIDATES:
        return known
    inputs = sample(transformer, tokens)
    kernels = {name: kernel(name) for name in CANDIDATES}
    if compiled:
        kernels = {name: torch.compile(run, fullgraph=True) for name, run in kernels.items()}
    chosen = fastest(kernels, inputs, milliseconds)
    machine.remember(question, device, dtype, chosen)
    return chosen


def fastest(
    kernels: Mapping[str, Kernel],
    inputs: tuple[Tensor, ...],
    clock: Callable[[Callable[[], Tensor]], float],
) -> str:
    """Name of the fastest of `kernels` that agrees with the default; one that cannot run is passed over."""
    query, key, value = inputs
    right = kernels[DEFAULT](query, key, value)
    best, best_time = DEFAULT, clock(lambda: kernels[DEFAULT](query, key, value))
    for name, run in kernels.items():
        if name == DEFAULT:
            continue
        try:
            if not _agree(run(query, key, value), right):
                continue
            time = clock(lambda run=run: run(query, key, value))
        except (RuntimeError, ValueError):  # what torch and diffusers raise of a kernel that is not there
            continue
        if time < best_time:
            best, best_time = name, time
    return best


def kernel(name: str) -> Kernel:
    """diffusers' attention by the backend called `name`."""
    backend = AttentionBackendName(name)
    return lambda query, key, value: dispatch_attention_fn(query, key, value, backend=backend)


def use(transformer: Flux2Transformer2DModel, name: str) -> None:
    """Make `transformer` use the kernel called `name`, and no other model in this process.

    diffusers makes the latest choice the default of all models, which is taken back.
    """
    from diffusers.models.attention_dispatch import _AttentionBackendRegistry

    before, _ = _AttentionBackendRegistry.get_active_backend()
    library = logging.getLogger("diffusers.models.modeling_utils")
    level = library.level
    library.setLevel(logging.ERROR)  # it warns of each choice that this may change one day
    try:
        transformer.set_attention_backend(name)
    finally:
        library.setLevel(level)
    _AttentionBackendRegistry.set_active_backend(before)


def milliseconds(run: Callable[[], Tensor]) -> float:
    """Median time of `run` on the CUDA device in use."""
    for _ in range(3):
        run()
    times: list[float] = []
    for _ in range(_REPEATS):
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        run()
        end.record()
        torch.cuda.synchronize()
        times.append(start.elapsed_time(end))
    return sorted(times)[len(times) // 2]


def sample(transformer: Flux2Transformer2DModel, tokens: int) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value of two rows as a block has them: the value is part of a wider projection."""
    heads, size = (transformer.config[key] for key in ("num_attention_heads", "attention_head_dim"))
    projected = torch.randn(2, tokens, 3 * heads, size, device=transformer.device, dtype=transformer.dtype)
    query, key, value = projected.chunk(3, dim=2)
    return query.contiguous(), key.contiguous(), value


def _agree(one: Tensor, right: Tensor) -> bool:
    error = torch.linalg.vector_norm((one - right).float()) / torch.linalg.vector_norm(right.float())
    return bool(error <= _TOLERANCE)  # false where it is not a number
