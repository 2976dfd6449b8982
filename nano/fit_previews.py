"""Fits the projection that previews of the embedded model are made by: src/strikebox/embedded/previews.npz.

Run it again whenever the embedded model changes; a worker that finds another model's fits its own at start.
"""

import numpy as np

from strikebox import api
from strikebox.worker.previews import SHIPPED, Projection

TOKENS = 20_000


def main() -> None:
    backend = api.load_backend(lora=False)
    size = backend.model.size
    fitted = Projection.fit(backend, size, np.random.default_rng(0), TOKENS)
    np.savez_compressed(
        str(SHIPPED),
        model=backend.model.hash,
        size=(size.height, size.width),
        grain=fitted.grain,
        matrix=fitted.matrix.astype(np.float16),
    )


if __name__ == "__main__":
    main()
