"""What measuring needs beside the run: extractors, which the lab is given, and pictures to compare with."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from strikebox.lab.dataset import Dataset
from strikebox.metrics.features import Extractor, Judge, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruments:
    """Everything that looks at pictures."""

    style: tuple[Extractor, ...]  # descriptors of style; each must prove itself before it counts
    copies: tuple[Extractor, ...]  # descriptors of copies
    layout: Extractor  # what collapse compares
    trace: Extractor  # what of pass 1 is looked for in an outcome
    noise: Extractor  # what tells texture from a subject
    letters: Extractor  # what finds lettering without reading it
    judge: Judge | None
    reader: Reader | None
    missing: Mapping[str, str] = field(default_factory=dict[str, str])  # name: why it is not here, what to do


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """Pictures that a run is compared with. None: nobody gave them."""

    training: Dataset | None = None  # what the LoRA was trained on
    held_out: Dataset | None = None  # the same style, never trained on
    distractors: Mapping[str, Dataset] = field(default_factory=dict[str, Dataset])  # other styles, by name
    other_subjects: tuple[str, ...] = ()  # names that the judge may choose beside the run's own
