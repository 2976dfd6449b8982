"""An ablation on a Ray cluster: which weights its actors load, and how."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal

from strikebox.cluster.joining import joined
from strikebox.cluster.pool import Pool, open_pool
from strikebox.cluster.studio import Loaded, LoadEyes
from strikebox.generation.backend import Size
from strikebox.klein.speed.tiers import Speed


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Where a plan is spread, and how."""

    address: str  # HOST:PORT of the head, auto (that of this machine) or local (started here, for this plan)
    actors: int | None = None  # above 0; None: one a GPU, or as many as fit where there is none
    cpus_per_actor: int = 1  # above 0; without a GPU an actor has as many threads
    eyes: LoadEyes | None = None  # what looks at the pictures where they are made (measuring.eyes)


@dataclass(frozen=True, slots=True)
class Weights:
    """What `load_backend` is told, on a machine that may be another."""

    model: str | Path | None
    lora: str | Path | Literal[False] | None
    device: str
    dtype: str
    speed: Speed
    size: Size | None  # of the pictures


@contextmanager
def opened(cluster: Cluster, weights: Weights) -> Generator[Pool]:
    """Studios in the cluster. Raises ClusterError."""
    there = replace(weights, model=_absolute(weights.model), lora=weights.lora and _absolute(weights.lora))
    with (
        joined(cluster.address) as ray,
        open_pool(
            ray,
            partial(_load, there, cluster.cpus_per_actor),
            cluster.eyes,
            actors=cluster.actors,
            cpus_per_actor=cluster.cpus_per_actor,
        ) as pool,
    ):
        yield pool


def _load(weights: Weights, cpus: int) -> Loaded:
    """What an actor holds. It runs there."""
    from strikebox import api
    from strikebox.klein.device import pick_device

    device = str(pick_device(weights.device))
    return Loaded(
        backend=api.load_backend(
            weights.model,
            weights.lora,
            device=device,
            dtype=weights.dtype,
            threads=cpus if device == "cpu" else None,
            speed=weights.speed,
        ),
        settings={"dtype": api.precision(device, weights.dtype)},
        spectrum=api.latent_spectrum(weights.model, weights.size),
    )


def _absolute(name: str | Path | None) -> str | Path | None:
    """A path as it must be told to who works in another folder; anything else as it is."""
    if name is None or not Path(name).expanduser().exists():
        return name
    return Path(name).expanduser().resolve()
