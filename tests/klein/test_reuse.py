"""Features of earlier steps used again: fewer blocks, and never those of another picture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_klein import asked

from strikebox.klein.backend import KleinBackend
from strikebox.klein.speed.options import Options
from strikebox.klein.speed.reuse import SHARES, mask
from strikebox.klein.speed.tiers import Reuse, Switches


def backend(tiny: Path, reuse: Reuse | None) -> KleinBackend:
    options = Options(switches=Switches(once=True, reuse=reuse))
    return KleinBackend.load(tiny, device="cpu", dtype="float32", options=options)


@pytest.mark.parametrize("policy", SHARES)
def test_masks_compute_their_share_and_both_ends(policy: Reuse) -> None:
    for steps in range(1, 101):
        found = mask(steps, policy)
        assert len(found) == steps and found[0] and found[-1]
        assert sum(found) == (steps if steps < 8 else round(SHARES[policy] * steps))
        assert sum(found[: steps // 2]) >= sum(found[steps - steps // 2 :]), "denser at first"


def test_reuse_computes_fewer_blocks_and_never_mixes_pictures(tiny: Path) -> None:
    fast, plain = backend(tiny, "fast"), backend(tiny, None)
    assert fast.became.switches.reuse == "fast" and fast.became.notices == ()
    ran = 0

    def count(*_: object) -> None:
        nonlocal ran
        ran += 1

    fast._transformer.single_transformer_blocks[-1].register_forward_hook(count)
    first = fast.denoise([asked(fast)])[0]
    assert ran == sum(mask(12, "fast")) < 12
    other = replace(asked(fast), prompt="dog", latents=fast.noise(2, fast.model.size))
    fast.denoise([other])
    again, beside = fast.denoise([asked(fast), other])
    np.testing.assert_array_equal(fast.denoise([asked(fast)])[0], first)
    np.testing.assert_allclose(again, first, rtol=1e-3, atol=1e-3)
    assert not np.allclose(beside, first, atol=1e-2)
    assert np.linalg.norm(first - plain.denoise([asked(plain)])[0]) > 0


def test_a_short_pass_is_computed_whole(tiny: Path) -> None:
    fast, plain = backend(tiny, "ultra"), backend(tiny, None)
    ours, theirs = (one.denoise([asked(one, 4)])[0] for one in (fast, plain))
    np.testing.assert_array_equal(ours, theirs)
