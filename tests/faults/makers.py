"""A process of makers: it opens a site, waits for a line, orders from so many threads at once, and tells.

`python makers.py CONFIG THREADS`: says `ready`; for each line on standard input it says, as JSON, how often
each outcome came.
"""

import json
import sys
import threading
from collections import Counter
from pathlib import Path

from strikebox.errors import BudgetSpent, JobsError
from strikebox.site.context import Site, open_site
from strikebox.site.settings import Settings

_TRIES = 20


def insist(site: Site, client: str) -> str:
    """What comes of an order that is sent again, under its key, while the database has no time for it."""
    for _ in range(_TRIES):
        try:
            site.orders.place("cat", client, network="n", key="k", body_digest="d")
        except BudgetSpent:
            return "refused"
        except JobsError:
            continue
        return "accepted"
    return "unanswered"


def outcomes(site: Site, threads: int, name: str) -> Counter[str]:
    """Of so many orders in the same moment."""
    counted: Counter[str] = Counter()
    ready, lock = threading.Barrier(threads), threading.Lock()

    def order(number: int) -> None:
        ready.wait()
        outcome = insist(site, f"{name} {number}")
        with lock:
            counted[outcome] += 1

    makers = [threading.Thread(target=order, args=(number,)) for number in range(threads)]
    for maker in makers:
        maker.start()
    for maker in makers:
        maker.join()
    return counted


def main() -> None:
    site = open_site(Settings.read(Path(sys.argv[1])))
    print("ready", flush=True)
    for line in sys.stdin:
        print(json.dumps(outcomes(site, int(sys.argv[2]), line.strip())), flush=True)
    site.close()


if __name__ == "__main__":
    main()
