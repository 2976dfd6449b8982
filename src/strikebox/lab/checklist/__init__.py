"""What to know before anything is spent on an ablation: of the LoRA, its training set, and the design.

Each row is measured, and ends in go, look (go on, knowing this) or stop (mend this first). What could not be
measured says so and how it can be, and is never a go.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from strikebox.flow import LatentSpectrum
from strikebox.generation.backend import Model
from strikebox.lab import complexity
from strikebox.lab.checklist import lora, pictures, protocol, words
from strikebox.lab.checklist.lora import count_parameters
from strikebox.lab.checklist.row import Row, Verdict
from strikebox.lab.dataset import Dataset
from strikebox.lab.design import Design
from strikebox.lora.header import Header
from strikebox.metrics.features import Reading

__all__ = ["Checklist", "Evidence", "Row", "Verdict", "check", "count_parameters"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """All that the rows are made from; what is None was not measured."""

    header: Header
    parameters: int  # numbers in the LoRA's matrices
    model: Model
    design: Design
    trigger: str | None  # the LoRA's trigger words
    training: Dataset
    prints: NDArray[np.float32]  # of its pictures, (pictures, 18, 256): near_duplicates.Thumbprints
    held_out: Dataset | None
    held_out_prints: NDArray[np.float32] | None
    features: NDArray[np.float32] | None  # of the training pictures, (pictures, ...)
    readings: Sequence[Reading] | None  # of the training pictures
    spectrum: LatentSpectrum | None = None  # of the model's latents
    no_features: str | None = None  # why there are none, and what to do
    no_readings: str | None = None


@dataclass(frozen=True, slots=True)
class Checklist:
    """Rows, and what follows from all of them."""

    rows: tuple[Row, ...]

    @property
    def verdict(self) -> Verdict:
        """stop if any row says so, else go."""
        return "stop" if self.stops else "go"

    @property
    def stops(self) -> tuple[Row, ...]:
        """What to mend first."""
        return tuple(row for row in self.rows if row.verdict == "stop")

    def facts(self) -> dict[str, object]:
        """All of it as JSON."""
        return {"verdict": self.verdict, "rows": [asdict(row) for row in self.rows]}


def check(evidence: Evidence) -> Checklist:
    """The checklist."""
    n = len(evidence.training.pictures)
    variety, why = _variety(evidence)
    design, model = evidence.design, evidence.model
    cells = len(design.subjects) * len(design.seeds)  # leaks are told within a recipe
    return Checklist(
        (
            pictures.size(n, variety, why),
            pictures.duplicates(evidence.training, evidence.prints),
            pictures.resolution(evidence.training, model.size),
            pictures.held_out(
                evidence.training, evidence.prints, evidence.held_out, evidence.held_out_prints, cells
            ),
            words.captions(evidence.training, evidence.trigger),
            words.lettering(evidence.training, evidence.readings, evidence.no_readings),
            lora.scale(evidence.header),
            lora.rank(evidence.header, n, variety),
            lora.parameters(evidence.parameters, n, model),
            protocol.seeds(design),
            protocol.strengths(design, model, n, evidence.spectrum),
        )
    )


def _variety(evidence: Evidence) -> tuple[float | None, str | None]:
    if evidence.features is None:
        return None, evidence.no_features
    try:
        return complexity.variety(evidence.features), None
    except ValueError as error:
        return None, str(error)
