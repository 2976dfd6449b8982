"""A design spread over the studios of a cluster. This process alone writes the run's folder."""

from collections.abc import Callable
from pathlib import Path
from typing import final

from strikebox.cluster.pool import Pool, Task
from strikebox.cluster.studio import Made
from strikebox.errors import ClusterError
from strikebox.generation.groups import Group, make_groups
from strikebox.generation.plan import Cell, Plan
from strikebox.generation.render import Progress
from strikebox.lab import run
from strikebox.lab.design import Design
from strikebox.lab.features import FeatureStore, Seen
from strikebox.lab.run import Run
from strikebox.store import RunFolder

_KEPT_TOGETHER = 256  # pictures whose features one file holds at most
_NAMED = 3  # cells that a message names


def ablate(
    design: Design,
    path: Path,
    pool: Pool,
    *,
    batch_size: int = 8,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> Run:
    """What `lab.run.ablate` does, by a pool: the same folder, so either may go on with what the other began.

    Killed at any moment, it loses the groups that are on their way. The run's seconds are those of all
    studios together. Raises as `lab.run.ablate`, and ClusterError.
    """
    facts = pool.facts
    begun = run.writing(design, facts.model, path, settings=facts.settings, spectrum=facts.spectrum)
    with begun as (plan, folder):
        _Spread(plan, folder, pool, batch_size, on_progress).run()
    return Run(folder, design, facts.model)


@final
class _Spread:
    """What is known while a plan runs."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        pool: Pool,
        batch_size: int,
        on_progress: Callable[[Progress], None],
    ) -> None:
        self._plan, self._folder, self._pool, self._batch_size = plan, folder, pool, batch_size
        self._on_progress = on_progress
        finished = folder.cells()
        self._left = {cell.key: cell for cell in plan.cells if cell.key not in finished}
        left = list(self._left.values())
        self._groups = make_groups(plan, left, batch=batch_size, places=pool.places)
        self._steps_left = sum(group.steps for group in self._groups)
        self._seen = _Features(FeatureStore(folder.path))

    def run(self) -> None:
        """Until every cell is finished."""
        self._tell()
        try:
            self._pool.run((self._task(group) for group in self._groups), self._accept)
        finally:
            self._seen.keep()
        for key in self._folder.kept():  # of a run without a cluster that was stopped
            self._folder.drop_latents(key)

    def _task(self, group: Group) -> Task[Group]:
        return Task(
            method="make", arguments=(group.cells, self._batch_size), about=group, words=_words(group.cells)
        )

    def _accept(self, task: Task[Group], made: Made) -> None:
        self._folder.spend(made.seconds)
        for record in made.records:
            if record.key not in self._left:
                continue
            if self._folder.pictures.put(made.pictures[record.picture]) != record.picture:
                raise ClusterError(f"a picture arrived damaged: {task.words}; go on with --resume")
            self._folder.write_cell(record)
            del self._left[record.key]
        self._seen.add(made.seen, len(made.pictures))
        self._steps_left -= task.about.steps
        self._tell()

    def _tell(self) -> None:
        cells, steps = len(self._plan.paths), self._plan.guided_steps
        done = Progress(
            steps_done=steps - self._steps_left,
            steps=steps,
            cells_done=cells - len(self._left),
            cells=cells,
        )
        self._on_progress(done)


@final
class _Features:
    """Features on their way to the disk: a file for many pictures instead of one for each group."""

    def __init__(self, store: FeatureStore) -> None:
        self._store, self._pictures = store, 0
        self._waiting: dict[tuple[str, str], Seen] = {}

    def add(self, seen: tuple[Seen, ...], pictures: int) -> None:
        for one in seen:
            key = one.name, one.version
            before = self._waiting.get(key, Seen(name=one.name, version=one.version))
            self._waiting[key] = Seen(
                name=one.name,
                version=one.version,
                features={**before.features, **one.features},
                readings={**before.readings, **one.readings},
            )
        self._pictures += pictures
        if self._pictures >= _KEPT_TOGETHER:
            self.keep()

    def keep(self) -> None:
        """Write what waits. Raises StoreError."""
        for one in self._waiting.values():
            self._store.keep(one)
        self._waiting, self._pictures = {}, 0


def _words(cells: tuple[Cell, ...]) -> str:
    named = [f"{cell.recipe.name} of {cell.subject}, seed {cell.seed}" for cell in cells[:_NAMED]]
    more = f" and {len(cells) - _NAMED} more" if len(cells) > _NAMED else ""
    return "; ".join(named) + more
