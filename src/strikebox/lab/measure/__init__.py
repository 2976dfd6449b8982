"""A run measured: style, anatomy, leakage, lettering, collapse and handoffs, each a part of its own.

What one part cannot measure is named in `Measured.missing`, with what to do, and the others go on.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import polars as pl

from strikebox.errors import RunError
from strikebox.lab.measure import anatomy, collapse, handoffs, leakage, lettering, style
from strikebox.lab.measure.instruments import Instruments, References
from strikebox.lab.measure.looked import Looked, OnProgress
from strikebox.lab.measure.part import Part
from strikebox.lab.measured import CELL_COLUMNS, Group, Measured
from strikebox.lab.run import Run

__all__ = ["Instruments", "OnProgress", "References", "measure"]

SEED = 1961  # of permutations: measuring twice gives the same figures


def measure(
    run: Run,
    instruments: Instruments,
    references: References,
    on_progress: OnProgress = lambda name, done, of: None,
) -> Measured:
    """Measure the finished pictures of `run`. Raises RunError where there are none, StoreError."""
    table = run.table()
    cells = table.filter(pl.col("sha256").is_not_null())
    if cells.is_empty():
        raise RunError(f"{run.folder.path} has no finished picture; go on with it first (--resume)")
    looked, generator = Looked(run, cells, instruments, references, on_progress), np.random.default_rng(SEED)
    parts = (
        style.measure(looked),
        anatomy.measure(looked),
        leakage.measure(looked),
        lettering.measure(looked),
        collapse.measure(looked, generator),
        handoffs.measure(looked, generator),
    )
    return _joined(looked, table, parts)


def _joined(looked: Looked, table: pl.DataFrame, parts: Iterable[Part]) -> Measured:
    training, held_out = looked.references.training, looked.references.held_out
    groups = {recipe.name: Group() for recipe in looked.run.design.recipes}
    for part in parts:
        for name, values in part.groups.items():
            groups[name] = replace(groups[name], **values)
    problems = [data.problems for data in (training, held_out) if data is not None]
    return Measured(
        run=looked.run,
        cells=_columns(looked.cells, table, parts),
        groups=groups,
        handoffs=tuple(handoff for part in parts for handoff in part.handoffs),
        leaks=tuple(leak for part in parts for leak in part.leaks),
        scales={name: scale for part in parts for name, scale in part.scales.items()},
        missing={name: reason for part in parts for name, reason in part.missing.items()},
        notes=tuple(note for part in parts for note in part.notes)
        + tuple(p for some in problems for p in some),
        training=None if training is None else len(training.pictures),
        held_out=None if held_out is None else len(held_out.pictures),
    )


def _columns(cells: pl.DataFrame, table: pl.DataFrame, parts: Iterable[Part]) -> pl.DataFrame:
    """`table` with the columns of all parts; null where a picture is not finished or nothing was measured."""
    known = {name: values for part in parts for name, values in part.columns.items()}
    empty = [None] * len(cells)
    series = [pl.Series(name, known.get(name, empty), kind) for name, kind in CELL_COLUMNS.items()]
    measured = cells.select("recipe", "subject", "seed").with_columns(series)
    return table.join(measured, on=["recipe", "subject", "seed"], how="left", maintain_order="left")
