"""Options of commands that may work on a Ray cluster."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from strikebox.api import Cluster
    from strikebox.measuring import Options

Ray = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS",
        help="Work on a Ray cluster: HOST:PORT of its head, auto (that of this machine), or local "
        "(one of this machine alone, started here).",
    ),
]
Actors = Annotated[
    int | None,
    typer.Option(
        min=1, help="With --ray: so many sets of weights. Default: one a GPU; without any, as many as fit."
    ),
]
CpusPerActor = Annotated[int, typer.Option(min=1, help="With --ray: processor cores of each actor.")]


def cluster(
    address: str | None, actors: int | None, cpus_per_actor: int, looking: "Options | None"
) -> "Cluster | None":
    """The cluster that was asked for. `looking` says what its actors look at the pictures with."""
    if address is None:
        return None
    from strikebox import api, measuring

    eyes = None if looking is None else measuring.eyes(looking)
    return api.Cluster(address=address, actors=actors, cpus_per_actor=cpus_per_actor, eyes=eyes)
