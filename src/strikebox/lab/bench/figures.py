"""Lines of a benchmark, and the file that holds them from the first one on."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from strikebox import files
from strikebox.errors import RunError

FORMAT = 1  # of the file


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """What one case took. Without `seconds` it could not be run, and `error` says why."""

    case: str  # who made the pictures: stock, fair, plain, exact, quantised, approximate, ...
    side: int  # of the pictures, px
    batch: int  # pictures at a time
    weights: str  # "random weights", or the model's name
    seconds: float | None = None  # a picture: the median of `repeats` warm batches, PNG included
    repeats: int = 0
    first_seconds: float | None = None  # of the first batch: kernels are loaded and compiled in it
    load_seconds: float | None = None  # until the first batch could begin
    tflops: float | None = None  # TFLOP/s of the recipe's own work, whatever else was computed
    share: float | None = None  # of the measured ceiling of matrix products
    peak_gib: float | None = None  # of the graphics card's memory
    dollars: float | None = None  # a picture
    psnr: float | None = None  # dB, against the plain path from the same seeds; None: not compared
    distance: float | None = None  # of perceptual features, likewise
    notes: tuple[str, ...] = ()
    error: str | None = None

    @property
    def key(self) -> str:
        """Names the case among others of the same weights."""
        return f"{self.case} {self.side} px x {self.batch}, {self.weights}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """All lines, and where they come from."""

    machine: Mapping[str, object]
    work: str  # what every case makes, in words
    ceiling_tflops: float | None = None  # matrix products alone, measured
    dollars_per_hour: float | None = None
    figures: tuple[Figure, ...] = ()

    def find(self, key: str) -> Figure | None:
        """The line of that key."""
        return next((figure for figure in self.figures if figure.key == key), None)

    def against(self, figure: Figure, case: str) -> float | None:
        """How many times faster it is than `case` on the same size; None where either is not known."""
        base = next(
            (f for f in self.figures if (f.case, f.side, f.weights) == (case, figure.side, figure.weights)),
            None,
        )
        if base is None or base.seconds is None or figure.seconds is None:
            return None
        return base.seconds / figure.seconds


class Book:
    """The file of a benchmark. Each line is on the disk as soon as it is there."""

    def __init__(self, path: Path, fresh: Results) -> None:
        """Goes on with what `path` holds of the same work on the same machine, and begins anew otherwise.

        Raises RunError where the file is no such file, or is another machine's.
        """
        self._path = path
        known = read(path) if path.exists() else fresh
        if _place(known) != _place(fresh):
            raise RunError(f"{path}: holds another benchmark; give --out another file, or delete it")
        self.results = Results(
            machine=known.machine,
            work=fresh.work,
            ceiling_tflops=fresh.ceiling_tflops or known.ceiling_tflops,
            dollars_per_hour=fresh.dollars_per_hour,
            figures=known.figures,
        )

    def done(self, key: str) -> bool:
        """Whether a line of that key was measured; one that failed is tried again."""
        found = self.results.find(key)
        return found is not None and found.error is None

    def write(self, figure: Figure) -> None:
        """Add a line, in place of an older one of its key. Raises StoreError."""
        others = [f for f in self.results.figures if f.key != figure.key]
        self.results = Results(
            machine=self.results.machine,
            work=self.results.work,
            ceiling_tflops=self.results.ceiling_tflops,
            dollars_per_hour=self.results.dollars_per_hour,
            figures=(*others, figure),
        )
        files.write(self._path, dumps(self.results).encode())


def _place(results: Results) -> tuple[object, ...]:
    """What must not change while a book is written: the work and the machine, but not the day."""
    return results.work, {key: value for key, value in results.machine.items() if key != "date"}


def dumps(results: Results) -> str:
    """JSON, one object."""
    return json.dumps({"format": FORMAT, **asdict(results)}, indent=1) + "\n"


def read(path: Path) -> Results:
    """The results in a file. Raises RunError where it holds none."""
    try:
        values: object = json.loads(path.read_text("utf-8"))
        return _results(cast(dict[str, Any], values))
    except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise RunError(f"{path}: holds no results of a benchmark ({error}); give another file") from None


def _results(values: dict[str, Any]) -> Results:
    if values.pop("format") != FORMAT:
        raise ValueError(f"format is not {FORMAT}")
    figures = tuple(_figure(line) for line in values.pop("figures"))
    return Results(**values, figures=figures)


def _figure(line: dict[str, Any]) -> Figure:
    line["notes"] = tuple(line.get("notes", ()))
    return Figure(**line)
