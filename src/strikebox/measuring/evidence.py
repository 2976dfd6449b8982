"""What the checklist is made from: a LoRA's file, its training set, and what was seen of its pictures.

torch is loaded when an extractor that needs it is, and not before.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from strikebox import api
from strikebox.api import ModelName
from strikebox.errors import ExtractorError, LoraError
from strikebox.lab import dataset as datasets
from strikebox.lab.checklist import Evidence, count_parameters
from strikebox.lab.dataset import Dataset
from strikebox.lab.design import Design
from strikebox.lab.features import FeatureStore
from strikebox.lab.near_duplicates import Thumbprints
from strikebox.lora import header
from strikebox.metrics.features import Extractor, Feature, Reading

EMBEDDED = "embedded"  # stands for the LoRA and the labels that come with the package

Watch = Callable[[str], Callable[[int, int], None]]  # what is being done -> how far it is


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """The LoRA that is looked into, and the pictures that go with it."""

    lora: str  # a .safetensors file, or embedded
    dataset: str  # folder of the pictures it was trained on, or embedded
    held_out: str | None = None  # folder of pictures of the same style that it never saw, or embedded
    model: ModelName = None
    style: str | None = None  # trigger words; None: as the file names them
    features: str = "efficientnet"  # extractor that the style's variety is measured by
    language: str = "rus"  # of the lettering, as tesseract names it

    @property
    def file(self) -> Path:
        """The LoRA's file. Raises LoraError."""
        file = api.lora_file(None, None if self.lora == EMBEDDED else self.lora)
        if file is None:
            raise LoraError(f"{self.lora} is no LoRA; give a .safetensors file, or {EMBEDDED}")
        return file

    @property
    def trigger(self) -> str | None:
        """Trigger words, where they are known."""
        return self.style or api.style_of(None if self.lora == EMBEDDED else self.model, self.file)

    @property
    def training_folder(self) -> Path:
        return _folder(self.dataset, "train")

    @property
    def held_out_folder(self) -> Path | None:
        return None if self.held_out is None else _folder(self.held_out, "held-out")


def default_cache() -> Path:
    """Where what was seen of pictures is kept unless told otherwise."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "strikebox"


def gather(sources: Sources, design: Design, cache: Path, watch: Watch) -> Evidence:
    """Read the file and the folders, and look at every picture once. Raises StrikeboxError."""
    file = sources.file
    found, described = header.read(file), api.describe_model(sources.model)
    training = datasets.read(sources.training_folder, watch("training pictures"))
    held = None
    if (folder := sources.held_out_folder) is not None:
        held = datasets.read(folder, watch("held-out pictures"))
    look = _Look(FeatureStore(cache), watch)
    features, no_features = look.features(training, sources.features)
    readings, no_readings = look.readings(training, sources.language)
    return Evidence(
        header=found,
        parameters=count_parameters(file),
        model=described,
        design=design,
        trigger=sources.trigger,
        training=training,
        prints=look.stacked(training, Thumbprints()),
        held_out=held,
        held_out_prints=None if held is None else look.stacked(held, Thumbprints()),
        features=features,
        readings=readings,
        spectrum=api.latent_spectrum(sources.model, design.size),
        no_features=no_features,
        no_readings=no_readings,
    )


def _folder(name: str, part: str) -> Path:
    return api.embedded(f"labels/{part}") if name == EMBEDDED else Path(name).expanduser()


@dataclass(frozen=True, slots=True)
class _Look:
    """Looks at the pictures of datasets, each once; what is not installed is None with the reason."""

    store: FeatureStore
    watch: Watch

    def features(self, dataset: Dataset, name: str) -> tuple[Feature | None, str | None]:
        from strikebox.extractors import registry

        try:
            found = self.stacked(dataset, registry.extractor(name))
            # Copy descriptors see parts and mirror images too, which add nothing to the variety of pictures.
            return found[:, 0, 0] if found.ndim == 4 else found, None
        except ExtractorError as error:
            return None, str(error)

    def readings(self, dataset: Dataset, language: str) -> tuple[list[Reading] | None, str | None]:
        from strikebox.extractors.tesseract import Tesseract, available

        if reason := available(language):
            return None, reason
        pictures = {p.sha256: p.pixels for p in dataset.pictures}
        found = self.store.readings(Tesseract(language), pictures, self.watch("pictures read by tesseract"))
        return [found[p.sha256] for p in dataset.pictures], None

    def stacked(self, dataset: Dataset, extractor: Extractor) -> Feature:
        pictures = {p.sha256: p.pixels for p in dataset.pictures}
        found = self.store.features(extractor, pictures, self.watch(f"pictures seen by {extractor.name}"))
        return np.stack([found[p.sha256] for p in dataset.pictures])
