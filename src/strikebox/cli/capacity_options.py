"""What `strikebox capacity` is told."""

from pathlib import Path
from typing import Annotated

import typer

Visitors = Annotated[
    float | None, typer.Option(help="A day. Default: the orders that the site remembers, as they came.")
]
Orders = Annotated[float, typer.Option(help="Orders of one visitor, on average.")]
Peak = Annotated[float, typer.Option(help="Orders at the busiest moment of a day over its mean, 1 to 2.")]
Crowds = Annotated[float, typer.Option(help="Crowds a day, on average: somebody passes a link on.")]
Crowd = Annotated[float, typer.Option(help="Visitors in one crowd, within some ten minutes.")]
Kinds = Annotated[
    list[str] | None,
    typer.Option(
        "--kind",
        metavar="NAME:FIXED:EACH[:SHARE[:SPREAD]]",
        help="A recipe: seconds of a batch and of each picture in it, share of the orders, standard "
        "deviation over mean of a batch. May be given again. Default: as the site measured.",
    ),
]
Batch = Annotated[int | None, typer.Option(help="Pictures made at a time. Default: the site's.")]
Queue = Annotated[int | None, typer.Option(help="Orders that may wait. Default: the site's.")]
Budget = Annotated[
    float | None, typer.Option(help="Dollars a day for making pictures, 0: no limit. Default: the site's.")
]
Price = Annotated[float | None, typer.Option(help="Dollars an hour of a GPU. Default: the site's.")]
Gpus = Annotated[
    str, typer.Option(metavar="LOW-HIGH", help="Numbers to simulate. Default: until one is enough.")
]
Least = Annotated[
    int | None, typer.Option(help="GPUs that are always rented, others as the line grows. Default: all.")
]
Start = Annotated[float, typer.Option(help="Seconds from renting a GPU to its first batch.")]
Lives = Annotated[float | None, typer.Option(help="Hours that a worker lives on average. Default: for ever.")]
Restart = Annotated[float, typer.Option(help="Seconds until a worker that died is back.")]
WaitP95 = Annotated[float, typer.Option(help="Seconds within which 95 of 100 shall have their picture.")]
Refused = Annotated[float, typer.Option(help="Share of the orders that may be refused, 0 to 1.")]
Days = Annotated[float, typer.Option(help="Days that one simulation lasts.")]
Replications = Annotated[int, typer.Option(help="Simulations of each number of GPUs.")]
Seed = Annotated[int, typer.Option(min=0, help="Of the dice.")]
Html = Annotated[Path | None, typer.Option(help="Write a page with plots there.")]
