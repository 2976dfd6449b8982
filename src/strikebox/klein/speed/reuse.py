"""Which steps of a pass are computed where features of earlier steps are used again.

Velocities change fastest at the first steps, so those are computed densely; the last one always is.
"""

from collections.abc import Sequence

from strikebox.klein.speed.tiers import Reuse

SHARES: dict[Reuse, float] = {"slow": 18 / 28, "medium": 15 / 28, "fast": 11 / 28, "ultra": 8 / 28}
"""Of the steps of a pass, how many are computed."""

_FEW = 8  # steps that are all computed: there is nothing to reuse between them
_BEND = 1.8  # of the density: 1 is even


def mask(steps: int, policy: Reuse) -> Sequence[bool]:
    """For each of `steps` whether it is computed."""
    if steps < _FEW:
        return [True] * steps
    count = round(SHARES[policy] * steps)
    computed = {round((steps - 1) * (number / (count - 1)) ** _BEND) for number in range(count)}
    left = (number for number in range(steps) if number not in computed)  # where rounding met a step twice
    computed |= {number for number, _ in zip(left, range(count - len(computed)), strict=False)}
    return [number in computed for number in range(steps)]
