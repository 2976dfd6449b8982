"""What an actor is: one set of weights, and what looks at pictures beside it.

Nothing here knows of Ray: a studio works as well in this process.
"""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import final

from strikebox import png, store
from strikebox.cluster.joining import own_version
from strikebox.flow import LatentSpectrum
from strikebox.generation.backend import Backend, Model, Pixels
from strikebox.generation.plan import Cell, make_plan
from strikebox.generation.render import render
from strikebox.lab.features import BATCH, Seen
from strikebox.metrics.features import Extractor, Reader
from strikebox.store import CellRecord, Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Weights, and what must be known of them to begin a run (see `lab.run.ablate`)."""

    backend: Backend
    settings: Mapping[str, object]
    spectrum: LatentSpectrum | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Eyes:
    """What looks at each picture as soon as it is made."""

    extractors: tuple[Extractor, ...]
    reader: Reader | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The same of a studio that can be sent."""

    model: Model
    settings: Mapping[str, object]
    spectrum: LatentSpectrum | None
    version: str  # of Strikebox


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """Finished cells, their PNG files by name, and what was seen in them."""

    records: tuple[CellRecord, ...]
    pictures: Mapping[str, bytes]
    seconds: float  # of generation
    seen: tuple[Seen, ...]


LoadStudio = Callable[[], Loaded]
LoadEyes = Callable[[Model], Eyes]


@final
class Studio:
    """Makes cells. What it is loaded by must be importable wherever it runs."""

    def __init__(self, load: LoadStudio, load_eyes: LoadEyes | None = None) -> None:
        self._load, self._load_eyes = load, load_eyes

    @cached_property
    def _loaded(self) -> Loaded:
        return self._load()

    @cached_property
    def _eyes(self) -> Eyes | None:
        return None if self._load_eyes is None else self._load_eyes(self._loaded.backend.model)

    def facts(self) -> Facts:
        """What it holds, once that is loaded. Raises whatever loading raises."""
        loaded = self._loaded
        return Facts(
            model=loaded.backend.model,
            settings=loaded.settings,
            spectrum=loaded.spectrum,
            version=own_version(),
        )

    def make(self, cells: Sequence[Cell], batch_size: int) -> Made:
        """Make cells of a plan, what they share once. Raises StoreError where there is no room to work."""
        backend = self._loaded.backend
        identity = Identity(design={}, model=asdict(backend.model), lora=None, settings={})
        with (
            tempfile.TemporaryDirectory(prefix="strikebox-", ignore_cleanup_errors=True) as place,
            store.writing(Path(place), identity, {}) as folder,
        ):
            plan = make_plan(cells, backend.model)
            records = tuple(render(plan, backend, folder, batch_size=batch_size))
            pictures = {record.picture: folder.pictures.get(record.picture) for record in records}
            seconds = folder.seconds()
        return Made(records=records, pictures=pictures, seconds=seconds, seen=self._look(pictures))

    def _look(self, pictures: Mapping[str, bytes]) -> tuple[Seen, ...]:
        if self._eyes is None:
            return ()
        names, seen = list(pictures), list[Seen]()
        for start in range(0, len(names), BATCH):
            some = names[start : start + BATCH]
            seen += _seen(self._eyes, some, [png.decode(pictures[name]).pixels for name in some])
        return tuple(seen)


def _seen(eyes: Eyes, names: Sequence[str], pixels: Sequence[Pixels]) -> list[Seen]:
    found = [
        Seen(name=one.name, version=one.version, features=dict(zip(names, one(pixels), strict=True)))
        for one in eyes.extractors
    ]
    reader = eyes.reader
    if reader is not None:
        read = dict(zip(names, reader(pixels), strict=True))
        found.append(Seen(name=reader.name, version=reader.version, readings=read))
    return found
