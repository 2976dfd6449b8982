"""`strikebox worker` with a toy in place of the weights, configured by the environment."""

import os
import signal
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "worker"))

from toys import SlowToy, parts

from strikebox.site.context import open_site
from strikebox.site.settings import Settings
from strikebox.worker.loop import Worker
from strikebox.worker.pulse import Pulse


def main() -> None:
    parent = int(sys.argv[sys.argv.index("--parent") + 1])
    site = open_site(Settings.read())
    worker = Worker(
        site, parts(SlowToy(0.05)), still_wanted=lambda: os.getppid() == parent, pulse=Pulse.inherited()
    )
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.drain())
    worker.run()


if __name__ == "__main__":
    main()
