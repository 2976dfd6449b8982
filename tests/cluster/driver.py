"""The seed design on the cluster whose address is given, slowly, into a folder: something to be killed."""

import sys
from functools import partial
from pathlib import Path

import studios

from strikebox.cluster.ablate import ablate
from strikebox.cluster.joining import joined
from strikebox.cluster.pool import open_pool
from strikebox.lab import design


def main() -> None:
    address, folder = sys.argv[1:]
    with joined(address) as ray, open_pool(ray, partial(studios.slow, 0.3), actors=2) as pool:
        ablate(design.load("seed"), Path(folder), pool)


if __name__ == "__main__":
    main()
