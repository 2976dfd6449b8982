"""A run and its references as extractors see them, picture by picture."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from strikebox import png
from strikebox.lab.dataset import Dataset
from strikebox.lab.features import FeatureStore, Pictures
from strikebox.lab.measure.instruments import Instruments, References
from strikebox.lab.run import Run
from strikebox.metrics.features import Extractor, Feature, Reader, Reading
from strikebox.recipe import Recipe

Rows = NDArray[np.intp]  # places of cells
OnProgress = Callable[[str, int, int], None]  # what looks, pictures done, of how many


@dataclass(frozen=True, slots=True)
class Looked:
    """What was seen is kept in the run's folder, so that nothing is looked at twice."""

    run: Run
    cells: pl.DataFrame  # finished cells, `Run.table`
    instruments: Instruments
    references: References
    on_progress: OnProgress

    @property
    def subjects(self) -> list[str]:
        """Of the cells, in their order."""
        return self.cells["subject"].to_list()

    @property
    def seeds(self) -> list[int]:
        """Of the cells, in their order."""
        return self.cells["seed"].to_list()

    def rows(self, recipe: Recipe) -> Rows:
        """Places of a recipe's cells."""
        return np.flatnonzero((self.cells["recipe"] == recipe.name).to_numpy())

    def labels(self, rows: Rows) -> tuple[list[str], list[int]]:
        """Subjects and seeds of some cells."""
        some = self.cells[rows.tolist()]
        return some["subject"].to_list(), some["seed"].to_list()

    def features(self, extractor: Extractor) -> Feature:
        """Of the cells, (cells, ...)."""
        return _stacked(self._look(extractor, self._own()), self.cells["sha256"].to_list())

    def features_of(self, dataset: Dataset, extractor: Extractor) -> Feature:
        """Of the pictures of `dataset`, (pictures, ...)."""
        return _stacked(self._look(extractor, _pictures(dataset)), [p.sha256 for p in dataset.pictures])

    def readings(self, reader: Reader) -> list[Reading]:
        """Of the cells."""
        found = self._read(reader, self._own())
        return [found[name] for name in self.cells["sha256"]]

    def readings_of(self, dataset: Dataset, reader: Reader) -> list[Reading]:
        """Of the pictures of `dataset`."""
        found = self._read(reader, _pictures(dataset))
        return [found[picture.sha256] for picture in dataset.pictures]

    def _own(self) -> Pictures:
        store = self.run.folder.pictures
        return {name: lambda name=name: png.decode(store.get(name)).pixels for name in self.cells["sha256"]}

    def _look(self, extractor: Extractor, pictures: Pictures) -> dict[str, Feature]:
        return self._kept.features(extractor, pictures, self._progress(extractor.name))

    def _read(self, reader: Reader, pictures: Pictures) -> dict[str, Reading]:
        return self._kept.readings(reader, pictures, self._progress(reader.name))

    def _progress(self, name: str) -> Callable[[int, int], None]:
        return lambda done, of: self.on_progress(name, done, of)

    @property
    def _kept(self) -> FeatureStore:
        return FeatureStore(self.run.folder.path)


def _pictures(dataset: Dataset) -> Pictures:
    return {picture.sha256: picture.pixels for picture in dataset.pictures}


def _stacked(found: dict[str, Feature], names: Sequence[str]) -> Feature:
    return np.stack([found[name] for name in names])
