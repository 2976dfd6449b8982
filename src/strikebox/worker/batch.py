"""One leased batch of pictures, from rows of the queue to published pictures."""

import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import cast, final

from strikebox import files, store
from strikebox.errors import LeaseLost, StrikeboxError
from strikebox.generation.backend import Size
from strikebox.generation.plan import Cell, make_cell, make_plan
from strikebox.generation.render import render
from strikebox.jobs import Job
from strikebox.recipe import Recipe
from strikebox.site import failures, served_recipes
from strikebox.site.context import Site
from strikebox.site.progress import Preview
from strikebox.store import Identity, RunFolder
from strikebox.worker import pulse as pulses
from strikebox.worker.hand import Hand
from strikebox.worker.parts import Parts
from strikebox.worker.previews import Projection
from strikebox.worker.publish import Made, Publisher
from strikebox.worker.pulse import Pulse
from strikebox.worker.steps import Look, Stepper

_BETWEEN_PREVIEWS = 0.7  # seconds
_OLD = 86400.0  # seconds after which a scratch folder's owner is surely dead

_Kind = tuple[str, int]  # of a batch: the recipe's hash, and how many

_log = logging.getLogger(__name__)


@final
class Batches:
    """Renders batches with one set of weights."""

    def __init__(
        self, site: Site, parts: Parts, publisher: Publisher, projection: Projection, pulse: Pulse
    ) -> None:
        self._site, self._parts, self._publisher, self._projection = site, parts, publisher, projection
        self._pace = _Pace(pulse, parts.warming)
        self._pulse = pulse
        self._scratch = site.settings.storage.folder / "scratch"

    def make(self, leased: Sequence[Job], hand: Hand) -> None:
        """Render and publish each; a job that cannot be made fails alone.

        Raises Stop where the batch must not go on, StoreError or JobsError where the site cannot keep it.
        """
        cells = dict(self._cells(leased, hand))
        if not cells:
            return
        made_by: defaultdict[str, list[Job]] = defaultdict(list)
        for job in leased:
            if job.id in cells:
                made_by[cells[job.id].key].append(job)
        unique = {cell.key: cell for cell in cells.values()}
        plan = make_plan(list(unique.values()), self._parts.backend.model)
        watch = _Watch(made_by, hand, self._projection, self._pace)
        self._pace.begin((leased[0].batch, len(unique)))
        stepper = Stepper(self._parts.backend, plan, watch)
        size = self._site.settings.model.batch
        with self._folder() as folder:
            for record in render(plan, self._parts.backend, folder, batch_size=size, run_batch=stepper):
                made = Made(unique[record.key], record, folder.pictures.get(record.picture))
                self._publish(made_by[record.key], made, hand)
                self._pace.resume()
        self._pace.end()

    def sweep(self) -> None:
        """Remove what killed workers left."""
        if not self._scratch.is_dir():
            return
        import shutil

        for path in self._scratch.iterdir():
            if time.time() - path.stat().st_mtime > _OLD:
                shutil.rmtree(path, ignore_errors=True)

    def _publish(self, asked: Sequence[Job], made: Made, hand: Hand) -> None:
        for job in asked:
            if hand.has(job.id):
                self._pulse.expect(pulses.CHECKING)
                try:
                    self._publisher.publish(job, made, hand)
                except LeaseLost:
                    _log.info("%s was cancelled or taken over; dropped", job.id)

    def _cells(self, leased: Sequence[Job], hand: Hand) -> Iterator[tuple[str, Cell]]:
        recipe = self._recipe(leased[0].batch)
        for job in leased:
            try:
                yield job.id, self._cell(job, recipe)
            except StrikeboxError as error:
                _log.warning("%s cannot be made: %s", job.id, error)
                self._publisher.fail(job, failures.line("impossible", str(error)), hand, retry=False)

    def _cell(self, job: Job, recipe: Recipe) -> Cell:
        side = self._site.settings.model.size
        return make_cell(
            recipe,
            str(job.payload["subject"]),
            cast(int, job.payload["seed"]),
            self._parts.backend.model,
            style=self._parts.style,
            size=None if side is None else Size(height=side, width=side),
        )

    def _recipe(self, hash: str) -> Recipe:
        if hash == self._site.recipe.hash:
            return self._site.recipe
        with self._site.database.reading() as connection:
            return served_recipes.recall(connection, hash)

    @contextmanager
    def _folder(self) -> Generator[RunFolder]:
        """A run's folder for as long as the batch takes."""
        files.make_folder(self._scratch)
        identity = Identity(design={}, model=asdict(self._parts.backend.model), lora=None, settings={})
        with files.plain_errors("create a folder in", self._scratch):
            scratch = tempfile.TemporaryDirectory(dir=self._scratch, ignore_cleanup_errors=True)
        with scratch as path, store.writing(Path(path), identity, {}) as folder:
            yield folder


@final
class _Pace:
    """How long the next step may take, and the pulse that promises it."""

    def __init__(self, pulse: Pulse, warming: float) -> None:
        self._pulse, self._warming = pulse, warming
        self._known: set[_Kind] = set()  # made before
        self._kind: _Kind = ("", 0)
        self._began = 0.0  # of the step that runs, by the monotonic clock
        self._took = 0.0  # seconds, the last step

    def begin(self, kind: _Kind) -> None:
        """A batch of `kind` begins."""
        self._kind = kind
        self.resume()

    def step(self) -> None:
        """One is over, and another may begin."""
        self._took = time.monotonic() - self._began
        self.resume()

    def resume(self) -> None:
        """A step begins after something else."""
        self._began = time.monotonic()
        limit = max(pulses.STEP, pulses.SLOWEST * self._took)
        self._pulse.expect(limit if self._kind in self._known else max(limit, self._warming))

    def end(self) -> None:
        """The batch is done, so its kind is known."""
        self._known.add(self._kind)


@final
class _Watch:
    """Tells the hand of each step, now and then with a preview."""

    def __init__(
        self, made_by: dict[str, list[Job]], hand: Hand, projection: Projection, pace: "_Pace"
    ) -> None:
        self._made_by, self._hand, self._projection, self._pace = made_by, hand, projection, pace
        self._shown = time.monotonic()

    def __call__(self, looks: Sequence[Look]) -> None:
        self._pace.step()
        due = time.monotonic() - self._shown >= _BETWEEN_PREVIEWS
        for look in looks:
            preview = Preview(look.steps_done, self._projection.webp(look.clean())) if due else None
            for job in self._made_by[look.cell]:
                self._hand.note(job.id, look.steps_done, look.steps, preview)
        if due:
            self._shown = time.monotonic()
        self._hand.check()
