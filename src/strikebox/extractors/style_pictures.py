"""The pictures that a style was learned from, and others of it, as checks of published pictures see them."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from strikebox.errors import ModerationError
from strikebox.extractors.calibration import Calibrations
from strikebox.generation.backend import Pixels
from strikebox.lab import dataset as datasets
from strikebox.lab.dataset import Dataset
from strikebox.lab.features import FeatureStore
from strikebox.metrics import conformal
from strikebox.metrics.features import Extractor, Feature, Reader, Reading
from strikebox.metrics.leakage import LEVEL


@dataclass(frozen=True, slots=True)
class StylePictures:
    """Training pictures and held-out ones. What was seen of them is kept, so that a restart is quick."""

    training: Dataset
    held_out: Dataset
    store: FeatureStore
    calibrations: Calibrations

    @classmethod
    def read(cls, training: Path, held_out: Path, cache: Path) -> Self:
        """Raises DatasetError where a folder is missing or empty, ModerationError where it holds too few."""
        kept = Calibrations(cache / "calibration")
        read = cls(datasets.read(training), datasets.read(held_out), FeatureStore(cache), kept)
        count, needed = len(read.held_out.pictures), conformal.fewest(LEVEL)
        if count < needed:
            raise ModerationError(
                f"{held_out}: {count} held-out pictures of the style cannot tell a copy from shared style; "
                f"give at least {needed}, or set moderation.leak and moderation.lettering to false"
            )
        return read

    def features(self, dataset: Dataset, extractor: Extractor) -> Feature:
        """Of every picture of `dataset`, (pictures, ...)."""
        found = self.store.features(extractor, _pictures(dataset))
        return np.stack([found[one.sha256] for one in dataset.pictures])

    def readings(self, dataset: Dataset, reader: Reader) -> list[Reading]:
        """What `reader` reads in every picture of `dataset`."""
        found = self.store.readings(reader, _pictures(dataset))
        return [found[one.sha256] for one in dataset.pictures]


def _pictures(dataset: Dataset) -> dict[str, Callable[[], Pixels]]:
    return {picture.sha256: picture.pixels for picture in dataset.pictures}
