"""What was measured of a run: a row a picture, figures of whole arms, and what is missing and why."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from strikebox.lab.run import Run
from strikebox.lab.statistics import Cell, Flags, Values
from strikebox.metrics.matches import Placement
from strikebox.recipe import Recipe

CELL_COLUMNS: Mapping[str, type[pl.DataType]] = {
    "style": pl.Float64,  # 0: the base model's, 1: held-out pictures of the style
    "named": pl.Boolean,  # the judge names the subject first
    "margin": pl.Float64,  # cosine to the subject minus that to the best other name
    "noise": pl.Boolean,  # texture without a subject
    "whole": pl.Boolean,  # named, and not noise
    "leak_score": pl.Float64,
    "leak_p": pl.Float64,  # conformal, against held-out pictures
    "leak_q": pl.Float64,  # after Benjamini and Hochberg, within its recipe
    "leaked": pl.Boolean,
    "nearest": pl.String,  # name of the nearest training picture
    "lettering": pl.Boolean,  # the reader or the detector finds text
    "text_area": pl.Float64,  # 0 to 1
    "text_overlap": pl.Float64,  # similarity of what was read with the training set's own text, 0 to 1
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Handoff:
    """Does pass 1 change the outcome? Two tests, each None where the run cannot make it."""

    recipe: str
    bits: float  # at most this many could cross
    bits_to_name_one: float  # what it takes to say which training picture
    own_gain: float | None  # mean cosine of outcome and own pass 1, each less its subject's mean; 0: none
    p_own: float | None  # of "an outcome is no nearer to its own pass 1"
    controls: Mapping[str, "Against"] = field(default_factory=dict[str, "Against"])  # by name of the control


@dataclass(frozen=True, slots=True)
class Against:
    """An arm beside one of its controls, pictures paired by subject and seed."""

    distance: float | None  # to the control, in distances between seeds of the arm; None where those are 0
    p_changed: float  # small: taking pass 1 away changes pictures in a way that repeats itself
    p_kept: float  # small: arm and control share their pictures, so pass 1 does not decide them


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Figures that belong to an arm as a whole; None where they could not be measured."""

    rke: float | None = None  # effective number of different pictures, 1 to the number of pictures
    seed_lock: float | None = None  # how much more alike two subjects are under one seed than under two
    seed_lock_p: float | None = None
    global_collapse: float | None = None  # how much more alike any two pictures are than the base model's
    collapsed: bool | None = None  # surely more alike than the base model's and held-out ones
    c_t: float | None = None  # Meehan's z: below 0, nearer to the training pictures than held-out ones are
    c_t_p: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """A flagged picture and the training picture that it repeats."""

    recipe: str
    subject: str
    seed: int
    picture: str  # name in the run's store
    training: str  # name of the training picture
    score: float
    margin: float | None  # to the next training picture; None where all that are near are one
    p: float
    q: float
    placement: Placement | None = None  # of the picture on the training picture


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """The ends that a metric is read between, in this run."""

    floor: float | None
    ceiling: float | None
    words: str  # what the two ends are, and by what they were measured


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """All of it."""

    run: Run
    cells: pl.DataFrame  # `Run.table` and CELL_COLUMNS
    groups: Mapping[str, Group]  # by name of the recipe
    handoffs: tuple[Handoff, ...]
    leaks: tuple[Leak, ...]  # gravest first
    scales: Mapping[str, Scale]  # by name of the metric
    missing: Mapping[str, str]  # name of the metric: why it was not measured, and what to do
    notes: tuple[str, ...]  # reservations, a sentence each
    training: int | None  # pictures that the LoRA was trained on; None where nobody said
    held_out: int | None

    def values(self, recipe: Recipe, column: str) -> Values:
        """Numbers of a recipe by cell."""
        return {cell: None if value is None else float(value) for cell, value in self._column(recipe, column)}

    def flags(self, recipe: Recipe, column: str) -> Flags:
        """Truth values of a recipe by cell."""
        return {cell: None if value is None else bool(value) for cell, value in self._column(recipe, column)}

    def _column(self, recipe: Recipe, column: str) -> list[tuple[Cell, float | bool | None]]:
        own = self.cells.filter(pl.col("recipe") == recipe.name).select("subject", "seed", column)
        return [((subject, seed), value) for subject, seed, value in own.iter_rows()]
