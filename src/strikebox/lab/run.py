"""A run: a design made into pictures by a backend, in a folder that can be stopped, resumed and read."""

from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import polars as pl

from strikebox import files, store
from strikebox import recipe as recipes
from strikebox.errors import RunError
from strikebox.flow import LatentSpectrum
from strikebox.generation.backend import Architecture, Backend, Model, Size
from strikebox.generation.plan import Cell, Plan, make_plan
from strikebox.generation.render import Progress, render
from strikebox.lab import design as designs
from strikebox.lab.design import Design
from strikebox.store import CellRecord, Identity, RunFolder

_DESIGN = "design.toml"
_SPECTRUM = "spectrum.json"

_COLUMNS = {
    "arm": pl.String,
    "recipe": pl.String,
    "title": pl.String,
    "subject": pl.String,
    "seed": pl.Int64,
    "prompt": pl.String,
    "picture": pl.String,
    "sha256": pl.String,
    "forwards": pl.Int64,
    "flops": pl.Int64,
    "seconds": pl.Float64,
    "dollars": pl.Float64,
}


@dataclass(frozen=True, slots=True)
class Run:
    """The pictures of a design, finished or not, as they lie in a folder."""

    folder: RunFolder
    design: Design
    model: Model

    @classmethod
    def open(cls, path: str | Path) -> "Run":
        """Read the run in `path`. Raises RunError where there is none, StoreError where it cannot be read."""
        folder = RunFolder(Path(path))
        model = _model(folder)
        return cls(folder, designs.load(folder.path / _DESIGN), model)

    @property
    def spectrum(self) -> LatentSpectrum | None:
        """That of the model's latents, where it was known when the run began."""
        path = self.folder.path / _SPECTRUM
        return LatentSpectrum.from_json(files.read(path).decode()) if path.exists() else None

    @property
    def seconds(self) -> float:
        """Seconds of generation in all, shared work counted once."""
        return self.folder.seconds()

    def table(self, dollars_per_hour: float | None = None) -> pl.DataFrame:
        """One row a cell, in the order of the design. What is not known (yet) is null.

        arm, recipe, title, subject, seed, prompt (of the last pass), picture (path), sha256 (of the file),
        forwards, flops, seconds, dollars: each cell's cost is that of the cell alone.
        """
        records = self.folder.cells()
        rows = [
            self._row(cell, records.get(cell.key), dollars_per_hour)
            for cell in designs.cells(self.design, self.model)
        ]
        return pl.DataFrame(rows, schema=_COLUMNS)

    def costs(self, dollars_per_hour: float | None = None) -> pl.DataFrame:
        """One row a recipe, in the order of the design: finished pictures and the mean cost of one.

        recipe, arm, title, pictures, forwards, flops, seconds, dollars.
        """
        per_picture = [pl.col(name).mean() for name in ("forwards", "flops", "seconds", "dollars")]
        return (
            self.table(dollars_per_hour)
            .group_by("recipe", "arm", "title", maintain_order=True)
            .agg(pl.col("sha256").count().alias("pictures"), *per_picture)
        )

    def _row(
        self, cell: Cell, record: CellRecord | None, dollars_per_hour: float | None
    ) -> dict[str, object]:
        row: dict[str, object] = {
            "arm": cell.recipe.arm,
            "recipe": cell.recipe.name,
            "title": cell.recipe.title,
            "subject": cell.subject,
            "seed": cell.seed,
            "prompt": cell.prompts[-1],
        }
        if record is None:
            return row
        dollars = None if dollars_per_hour is None else record.seconds * dollars_per_hour / 3600
        return row | {
            "picture": str(self.folder.pictures.path(record.picture)),
            "sha256": record.picture,
            "forwards": record.forwards,
            "flops": record.flops,
            "seconds": record.seconds,
            "dollars": dollars,
        }


def ablate(
    design: Design,
    backend: Backend,
    path: str | Path,
    *,
    settings: Mapping[str, object] | None = None,
    spectrum: LatentSpectrum | None = None,
    batch_size: int = 8,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Run:
    """Make the pictures of `design` in the folder `path`; those that it holds already are not made again.

    `settings` are whatever else changes the pictures (a dtype, say), as JSON. `spectrum` is that of the
    model's latents, for the blueprints. Raises RunError where the
    folder belongs to another run, StoreError where it cannot be written, and before anything is written what
    `designs.cells` raises.
    """
    with writing(design, backend.model, Path(path), settings=settings, spectrum=spectrum) as (plan, folder):
        for _ in render(plan, backend, folder, batch_size=batch_size, on_progress=on_progress):
            pass
    return Run(folder, design, backend.model)


@contextmanager
def writing(
    design: Design,
    model: Model,
    path: Path,
    *,
    settings: Mapping[str, object] | None = None,
    spectrum: LatentSpectrum | None = None,
) -> Generator[tuple[Plan, RunFolder]]:
    """The plan of `design`, and its folder, where nobody else may write. Raises as `ablate` does."""
    plan = make_plan(designs.cells(design, model), model)
    identity = _identity(design, model, settings or {})
    copies = {_DESIGN: designs.dumps(design)}
    copies |= {f"recipes/{recipe.name}.toml": recipes.dumps(recipe) for recipe in design.recipes}
    if spectrum is not None:
        copies[_SPECTRUM] = spectrum.to_json()
    with store.writing(path, identity, copies) as folder:
        yield plan, folder


def _identity(design: Design, model: Model, settings: Mapping[str, object]) -> Identity:
    weights = asdict(model)
    lora_name, lora_hash = weights.pop("lora_name"), weights.pop("lora_hash")
    return Identity(
        design={
            "recipes": {recipe.name: recipe.hash for recipe in design.recipes},
            "subjects": design.subjects,
            "seeds": design.seeds,
            "style": design.style,
            "size": None if design.size is None else asdict(design.size),
        },
        model=weights,
        lora=None if lora_hash is None else {"name": lora_name, "hash": lora_hash},
        settings=settings,
    )


def _model(folder: RunFolder) -> Model:
    identity = folder.identity()
    lora = identity.lora or {"name": None, "hash": None}
    fields = cast(dict[str, Any], dict(identity.model))
    try:
        fields["size"] = Size(**fields["size"])
        fields["architecture"] = Architecture(**fields["architecture"])
        return Model(**fields, lora_name=cast(Any, lora["name"]), lora_hash=cast(Any, lora["hash"]))
    except (KeyError, TypeError):
        raise RunError(f"{folder.path} was not written by this version; give another folder") from None
