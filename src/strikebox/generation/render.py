"""A plan made into pictures: batch by batch, each result on the disk as soon as it is there.

Latents live on the disk, not in memory, so that a run of any length takes the memory of one batch, and a run
that was stopped, by whatever means, computes nothing again that was finished. PNG files are compressed by
threads while the next batch is computed.
"""

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from dataclasses import dataclass
from time import perf_counter
from typing import final

from strikebox import png
from strikebox.generation import inputs
from strikebox.generation.agenda import Agenda
from strikebox.generation.backend import Backend, Denoise, Latents
from strikebox.generation.cost import cost_alone
from strikebox.generation.plan import Cell, Plan
from strikebox.generation.segments import Continue, Segment
from strikebox.store import CellRecord, KeptLatents, RunFolder

# In batches of cells: enough to fill batches, few enough for the latents that wait to stay below a gigabyte.
_WINDOW = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a plan is. What an earlier run has finished counts as done."""

    steps_done: int
    steps: int
    cells_done: int
    cells: int


RunBatch = Callable[[Sequence[Segment], Sequence[Denoise]], list[Latents]]
"""Segments that agree, and what to ask for each -> latents at their ends, as the backend alone makes them."""


def render(
    plan: Plan,
    backend: Backend,
    folder: RunFolder,
    *,
    batch_size: int = 8,
    on_progress: Callable[[Progress], None] = lambda _: None,
    run_batch: RunBatch | None = None,
) -> Iterator[CellRecord]:
    """Make the cells of `plan` that `folder` lacks; yield each when its picture is on the disk.

    `run_batch` takes the place of `backend.denoise` for who wants to see latents on the way. The seconds of a
    cell are those of its rows: what each batch took, shared equally, summed along its path.
    Raises StoreError where the folder cannot be written; what is finished by then stays finished.
    """
    if plan.model != backend.model:
        raise ValueError(f"the plan is for {plan.model}, the backend holds {backend.model}")
    job = _Job(plan, backend, folder, _WINDOW * batch_size, run_batch or (lambda _, a: backend.denoise(a)))
    on_progress(job.progress())
    with ThreadPoolExecutor(thread_name_prefix="png") as threads:
        try:
            for results in job.undecoded(batch_size):
                job.decode(results, threads)
                yield from job.finish_cells()
                on_progress(job.progress())
            while batch := job.agenda.next_batch(batch_size):
                results = job.run(batch)
                yield from job.finish_cells()
                on_progress(job.progress())
                job.decode(results, threads)
            for record in job.finish_cells():
                yield record
                on_progress(job.progress())
        finally:
            deque(job.finish_cells(), maxlen=0)  # nothing that was made is lost with the batch after it


@dataclass(frozen=True, slots=True)
class _File:
    """A cell whose picture is being compressed."""

    latents: str  # the key of those that it was decoded from
    cell: Cell
    made: png.Provenance
    seconds: float
    png: Future[bytes]

    def cell_record(self, picture: str) -> CellRecord:
        """Of the cell whose file is called `picture`."""
        return CellRecord(
            key=self.cell.key,
            recipe=self.cell.recipe.name,
            subject=self.cell.subject,
            seed=self.cell.seed,
            prompts=self.cell.prompts,
            picture=picture,
            forwards=self.made.forwards,
            flops=self.made.flops,
            seconds=self.seconds,
        )


@final
class _Job:
    """What `render` knows while it runs."""

    def __init__(
        self, plan: Plan, backend: Backend, folder: RunFolder, window: int, run_batch: RunBatch
    ) -> None:
        self._plan, self._backend, self._folder, self._run_batch = plan, backend, folder, run_batch
        finished, kept = folder.cells(), folder.kept()
        unfinished = {cell.key: cell for cell in plan.cells if cell.key not in finished}.values()
        self.agenda = Agenda(plan, list(unfinished), kept, window)
        self._steps, self._cells_left = plan.guided_steps, len(unfinished)
        self._ending: defaultdict[str, list[Cell]] = defaultdict(list)
        self._files: deque[_File] = deque()
        for cell in unfinished:
            self._ending[plan.paths[cell.key][-1].key].append(cell)
        self._kept = {key for key in kept if self.agenda.needs(key)}
        self._drop(kept - self._kept)

    def progress(self) -> Progress:
        return Progress(
            steps_done=self._steps - self.agenda.steps_left,
            steps=self._steps,
            cells_done=len(self._plan.paths) - self._cells_left,
            cells=len(self._plan.paths),
        )

    def undecoded(self, size: int) -> Iterator[dict[str, KeptLatents]]:
        """Finished latents of unfinished cells, from an earlier run, `size` at a time."""
        keys = [key for key in self._ending if key in self._kept]
        for start in range(0, len(keys), size):
            yield {key: self._folder.read_latents(key) for key in keys[start : start + size]}

    def run(self, batch: list[Segment]) -> dict[str, KeptLatents]:
        """Run segments that agree, and keep their latents on the disk."""
        before = {key: self._folder.read_latents(key) for segment in batch for key in segment.needs}
        started = perf_counter()
        asked = inputs.requests(batch, self._backend, {key: kept.latents for key, kept in before.items()})
        latents = self._run_batch(batch, asked)
        share = self._spend(started, rows=len(batch))
        results = {
            segment.key: KeptLatents(x, _seconds_before(segment, before) + share)
            for segment, x in zip(batch, latents, strict=True)
        }
        for key, kept in results.items():
            self._folder.write_latents(key, kept)
        self._drop(self.agenda.finish(batch))
        return results

    def decode(self, results: Mapping[str, KeptLatents], threads: Executor) -> None:
        """Decode the latents in which cells end, and begin to make files of the pictures."""
        ending = {key: kept.latents for key, kept in results.items() if key in self._ending}
        if not ending:
            return
        started = perf_counter()
        pictures = inputs.decode(self._backend, ending)
        share = self._spend(started, rows=len(ending))
        for key, picture in pictures.items():
            for cell in self._ending.pop(key):
                made = _provenance(cell, self._plan)
                png_ = threads.submit(png.encode, picture, made)
                self._files.append(_File(key, cell, made, results[key].seconds + share, png_))

    def finish_cells(self) -> Iterator[CellRecord]:
        """Write picture and record of each cell that was decoded."""
        while self._files:
            file = self._files.popleft()
            record = file.cell_record(self._folder.pictures.put(file.png.result()))
            self._folder.write_cell(record)
            self._cells_left -= 1
            self._drop(self.agenda.release([file.latents]))
            yield record

    def _spend(self, started: float, rows: int) -> float:
        """Add the time since `started` to the run's; returns the share of one of `rows`."""
        seconds = perf_counter() - started
        self._folder.spend(seconds)
        return seconds / rows

    def _drop(self, keys: Iterable[str]) -> None:
        for key in keys:
            self._folder.drop_latents(key)


def _seconds_before(segment: Segment, before: Mapping[str, KeptLatents]) -> float:
    """Seconds of the path up to `segment`. A pass counts what it edits once, where it begins."""
    on_path = (segment.entry.parent,) if isinstance(segment.entry, Continue) else segment.needs
    return sum(before[key].seconds for key in on_path)


def _provenance(cell: Cell, plan: Plan) -> png.Provenance:
    cost = cost_alone(plan, cell)
    return png.Provenance(
        recipe=cell.recipe,
        subject=cell.subject,
        prompts=cell.prompts,
        seed=cell.seed,
        model_name=plan.model.name,
        model_hash=plan.model.hash,
        lora_name=plan.model.lora_name,
        lora_hash=plan.model.lora_hash,
        forwards=cost.forwards,
        flops=cost.flops,
    )
