"""A large picture enlarged piece by piece, so that memory does not grow with it."""

from collections.abc import Callable

import numpy as np

from strikebox.generation.backend import Pixels

FACTOR = 2
TILE = 256  # px of a side
MARGIN = 20  # px around a tile: 18 convolutions of 3 x 3 see 18 px, halving with cubic weights one more

Double = Callable[[Pixels], Pixels]


def in_tiles(double: Double, pixels: Pixels, tile: int = TILE) -> Pixels:
    """What `double` makes of `pixels` (height, width, 3), done in pieces: the same but for rounding."""
    height, width = pixels.shape[:2]
    large = np.empty((FACTOR * height, FACTOR * width, 3), np.uint8)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            above, before = max(0, top - MARGIN), max(0, left - MARGIN)
            below, behind = min(height, top + tile), min(width, left + tile)
            part = double(np.ascontiguousarray(pixels[above : below + MARGIN, before : behind + MARGIN]))
            down, right = FACTOR * (top - above), FACTOR * (left - before)
            rows, columns = FACTOR * (below - top), FACTOR * (behind - left)
            place = (slice(FACTOR * top, FACTOR * below), slice(FACTOR * left, FACTOR * behind))
            large[place] = part[down : down + rows, right : right + columns]
    return large
