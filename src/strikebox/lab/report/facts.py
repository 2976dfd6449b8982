"""What the sections of a report are made from, gathered once from a run's folder."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from strikebox.generation.cost import Cost
from strikebox.generation.plan import Cell, Plan, make_plan
from strikebox.lab import design as designs
from strikebox.lab.audit import Audit
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict
from strikebox.recipe import Recipe
from strikebox.store import CellRecord

CellName = tuple[str, str, int]  # recipe, subject, seed

MOST_SHOWN = 3_000  # pictures in the grid: the page of a larger design grows no further


@dataclass(frozen=True, slots=True)
class Plate:
    """A cell and, where it was made, what became of it."""

    cell: Cell
    record: CellRecord | None
    dollars_per_hour: float | None

    @property
    def name(self) -> CellName:
        """What it is a picture of."""
        return self.cell.recipe.name, self.cell.subject, self.cell.seed

    @property
    def anchor(self) -> str:
        """Its name on the page."""
        return f"p-{self.cell.key[:16]}"

    @property
    def cost(self) -> Cost | None:
        """Of this picture alone; None where it is not made yet."""
        if self.record is None:
            return None
        return Cost(forwards=self.record.forwards, flops=self.record.flops).measured(
            self.record.seconds, self.dollars_per_hour
        )


@dataclass(frozen=True, slots=True)
class Arm:
    """A recipe and its pictures, by subject, then by seed."""

    recipe: Recipe
    plates: tuple[Plate, ...]

    @property
    def made(self) -> int:
        """Pictures that are finished."""
        return sum(plate.record is not None for plate in self.plates)

    @property
    def cost(self) -> Cost | None:
        """Mean cost of one finished picture; None where none is finished."""
        costs = [cost for plate in self.plates if (cost := plate.cost) is not None]
        if not costs:
            return None
        seconds = sum(cost.seconds or 0.0 for cost in costs) / len(costs)
        plain = Cost(forwards=costs[0].forwards, flops=costs[0].flops)  # equal for every picture of a recipe
        return plain.measured(seconds, self.plates[0].dollars_per_hour)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """A run as a report sees it."""

    run: Run
    plan: Plan
    arms: tuple[Arm, ...]
    dollars_per_hour: float | None
    verdict: Verdict | None = None  # None: the pictures were not measured
    training: Mapping[str, Path] = field(default_factory=dict[str, Path])  # training pictures by name
    audit: Audit | None = None  # None: a run by itself

    @property
    def made(self) -> int:
        return sum(arm.made for arm in self.arms)

    @property
    def pictures(self) -> int:
        return len(self.plan.cells)

    @property
    def baseline(self) -> Arm:
        """The arm that others are compared with: the verdict's, the recipe called baseline, or the first."""
        name = "baseline" if self.verdict is None else self.verdict.table.baseline.recipe.name
        return next((arm for arm in self.arms if arm.recipe.name == name), self.arms[0])

    @property
    def seeds(self) -> tuple[int, ...]:
        """Those that the grid shows: the first ones of a design with more than MOST_SHOWN pictures."""
        seeds = self.run.design.seeds
        return (
            seeds
            if self.pictures <= MOST_SHOWN
            else seeds[: max(1, MOST_SHOWN * len(seeds) // self.pictures)]
        )

    def shown(self, arm: Arm) -> list[Plate]:
        """Pictures of `arm` that the grid shows."""
        seeds = frozenset(self.seeds)
        return [plate for plate in arm.plates if plate.cell.seed in seeds]

    @property
    def anchors(self) -> Mapping[CellName, str]:
        """Where each picture that is shown stands on the page."""
        return {plate.name: plate.anchor for arm in self.arms for plate in self.shown(arm)}

    @property
    def spent(self) -> float | None:
        """Dollars that the run has cost; None where an hour has no price."""
        return None if self.dollars_per_hour is None else self.run.seconds * self.dollars_per_hour / 3600


def gather(
    run: Run,
    dollars_per_hour: float | None,
    verdict: Verdict | None = None,
    training: Mapping[str, Path] | None = None,
    audit: Audit | None = None,
) -> Facts:
    """Read a run. Raises RunError or StoreError where its folder is damaged."""
    cells, records = designs.cells(run.design, run.model), run.folder.cells()
    return Facts(
        run=run,
        plan=make_plan(cells, run.model),
        arms=tuple(_arm(recipe, cells, records, dollars_per_hour) for recipe in run.design.recipes),
        dollars_per_hour=dollars_per_hour,
        verdict=verdict,
        training=training or {},
        audit=audit,
    )


def _arm(
    recipe: Recipe,
    cells: tuple[Cell, ...],
    records: Mapping[str, CellRecord],
    dollars_per_hour: float | None,
) -> Arm:
    own = (cell for cell in cells if cell.recipe.name == recipe.name)
    return Arm(recipe, tuple(Plate(cell, records.get(cell.key), dollars_per_hour) for cell in own))
