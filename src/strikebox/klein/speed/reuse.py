"""Features of earlier steps used again, by cache-dit: neighbouring steps differ little inside.

Which steps are computed is fixed by their number alone (LeMiCa's masks), never by how much a batch changes,
so a picture still does not depend on its batch. It does depend on where its pass is cut into segments, since
every segment begins with computed steps: a pass that shares its beginning with another may differ from the
same pass alone, within the loss that this tier has anyway.
"""

import os
from importlib import import_module
from typing import Any, final

from diffusers.models.transformers.transformer_flux2 import Flux2Transformer2DModel

from strikebox.klein.forward import Conditions, PlainForward, Step
from strikebox.klein.speed.tiers import Reuse

_FIRST_BLOCKS = 1  # always computed; klein has only 5 double blocks


@final
class ReuseForward:
    """Computes the steps of a mask; the others take what the blocks added in the latest computed one."""

    def __init__(self, transformer: Flux2Transformer2DModel, policy: Reuse) -> None:
        self._transformer: Flux2Transformer2DModel = transformer
        self._policy: Reuse = policy
        self._plain = PlainForward(transformer)
        _cache_dit().enable_cache(transformer, cache_config=self._config(28))

    def begin(self, conditions: Conditions) -> Step:
        _cache_dit().refresh_context(self._transformer, cache_config=self._config(len(conditions.times)))
        return self._plain.begin(conditions)

    def end(self) -> None:
        """Leave the transformer as it was."""
        _cache_dit().disable_cache(self._transformer)

    def _config(self, steps: int) -> Any:
        return _cache_dit().DBCacheConfig(
            Fn_compute_blocks=_FIRST_BLOCKS,
            Bn_compute_blocks=0,
            max_warmup_steps=0,
            enable_separate_cfg=False,  # both halves of guidance go through one forward
            num_inference_steps=steps,
            steps_computation_mask=mask(steps, self._policy),
            steps_computation_policy="static",
        )


def mask(steps: int, policy: Reuse) -> list[int]:
    """1 for a computed step, 0 for one that reuses: cache-dit's mask for as many steps.

    Few steps are all computed: there is nothing to reuse between them.
    """
    if steps < 8:
        return [1] * steps
    found = list(_cache_dit().steps_mask(total_steps=steps, mask_policy=policy))[:steps]
    return [*found, *[1] * (steps - len(found))]


def _cache_dit() -> Any:
    """An extra: whoever asks for it has looked whether it is there."""
    os.environ.setdefault("CACHE_DIT_LOG_LEVEL", "error")  # it tells a dozen lines each time it is set up
    return import_module("cache_dit")
