"""Recipes by our own backend, the whole way: plan, denoising, decoding, PNG with its history, files."""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import final

from strikebox import store
from strikebox.generation.backend import Size
from strikebox.generation.plan import Cell, make_cell, make_plan
from strikebox.generation.render import render
from strikebox.klein.backend import KleinBackend
from strikebox.klein.bench.work import Work
from strikebox.recipe import Recipe
from strikebox.store import Identity


@final
class Ours:
    """Makes the pictures of one recipe, or of several that share what they can."""

    def __init__(self, backend: KleinBackend, recipes: Sequence[Recipe], work: Work) -> None:
        self._backend, self._recipes, self._work = backend, recipes, work
        on = {key: value for key, value in asdict(backend.became.switches).items() if value}
        kernel = f"attention by {backend.became.kernel}"
        words = ", ".join(key if value is True else f"{key} {value}" for key, value in on.items())
        self.notes = (f"on: {words or 'nothing'}; {kernel}", *backend.became.notices)

    def __call__(self, side: int, seeds: Sequence[int]) -> list[bytes]:
        """PNG files of pictures of `side` px: every recipe from every seed."""
        cells = self._cells(side, seeds)
        plan = make_plan(cells, self._backend.model)
        identity = Identity(design={}, model=asdict(self._backend.model), lora=None, settings={})
        with (
            tempfile.TemporaryDirectory() as scratch,
            store.writing(Path(scratch) / "run", identity, {}) as folder,
        ):
            records = list(render(plan, self._backend, folder, batch_size=len(cells)))
            return [folder.pictures.get(record.picture) for record in records]

    def _cells(self, side: int, seeds: Sequence[int]) -> list[Cell]:
        size, model, subject = Size(height=side, width=side), self._backend.model, self._work.prompt(seeds)
        return [
            make_cell(recipe, subject, seed, model, size=size) for recipe in self._recipes for seed in seeds
        ]
