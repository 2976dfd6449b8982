"""Which pictures repeat a training picture, and whether a recipe copies as a whole."""

from collections.abc import Mapping

import numpy as np

from strikebox.lab.dataset import Dataset
from strikebox.lab.measure.looked import Looked
from strikebox.lab.measure.part import Part
from strikebox.lab.measured import Leak, Scale
from strikebox.lab.near_duplicates import Thumbprints, near_duplicates
from strikebox.metrics import copying, leakage
from strikebox.metrics.features import Extractor
from strikebox.metrics.leakage import Descriptor, Evidence, Leakage


def measure(looked: Looked) -> Part:
    """Columns: leak_score, nearest, and with enough held-out pictures leak_p, leak_q, leaked. Groups: c_t."""
    training, held_out = looked.references.training, looked.references.held_out
    if training is None:
        reason = "Leakage was not measured: give the pictures that the LoRA was trained on (--training)."
        return Part(missing={"leakage": reason})
    found = compare(looked, training, held_out)
    columns = {
        "leak_score": [one.score for one in found.nearest],
        "nearest": [training.pictures[one.training].name for one in found.nearest],
    }
    if found.tested is None:
        return Part(columns=columns, missing={"leakage": f"Leaks were not counted: {found.reason}."})
    tested = found.tested
    return Part(
        columns={
            **columns,
            "leak_p": tested.p.tolist(),
            "leak_q": tested.q.tolist(),
            "leaked": tested.leaked.tolist(),
        },
        groups=_copying(looked, found),
        leaks=tuple(_leak(looked, training, one) for one in found.evidence),
        scales={"leakage": _scale(looked, found)},
        notes=found.notes,
    )


def compare(looked: Looked, training: Dataset, held_out: Dataset | None) -> Leakage:
    """Every picture of the run beside every training picture."""
    return leakage.measure(
        [_descriptor(looked, training, held_out, one) for one in looked.instruments.copies],
        groups=_groups(looked, training),
        families=_families(looked),
    )


def _descriptor(
    looked: Looked, training: Dataset, held_out: Dataset | None, extractor: Extractor
) -> Descriptor:
    return leakage.describe(
        extractor.name,
        looked.features(extractor),
        None if held_out is None else looked.features_of(held_out, extractor),
        looked.features_of(training, extractor),
    )


def _groups(looked: Looked, training: Dataset) -> list[int]:
    """Near-duplicates in the training set have one number: neither is a rival to the other."""
    numbers = list(range(len(training.pictures)))
    for pair in near_duplicates(looked.features_of(training, Thumbprints())):
        kept, replaced = numbers[pair.first], numbers[pair.second]
        numbers = [kept if number == replaced else number for number in numbers]
    return numbers


def _families(looked: Looked) -> list[int]:
    """Pictures of one recipe are judged together: what another one leaks says nothing about it."""
    number = {recipe.name: i for i, recipe in enumerate(looked.run.design.recipes)}
    return [number[name] for name in looked.cells["recipe"]]


def _copying(looked: Looked, found: Leakage) -> Mapping[str, Mapping[str, float | None]]:
    groups: dict[str, dict[str, float | None]] = {}
    for recipe in looked.run.design.recipes:
        own = found.scores[looked.rows(recipe)]
        tested = None if found.held_out is None else copying.c_t(own, found.held_out)
        groups[recipe.name] = {
            "c_t": None if tested is None else tested.z,
            "c_t_p": None if tested is None else tested.p,
        }
    return groups


def _leak(looked: Looked, training: Dataset, one: Evidence) -> Leak:
    row = looked.cells.row(one.picture, named=True)
    return Leak(
        recipe=row["recipe"],
        subject=row["subject"],
        seed=row["seed"],
        picture=row["sha256"],
        training=training.pictures[one.nearest.training].name,
        score=one.nearest.score,
        margin=one.nearest.margin,
        p=one.p,
        q=one.q,
        placement=one.nearest.placement,
    )


def _scale(looked: Looked, found: Leakage) -> Scale:
    assert found.held_out is not None, "without held-out pictures nothing is tested"
    by = " and ".join(extractor.name for extractor in looked.instruments.copies)
    words = (
        f"score s: about one held-out picture in e^s is as like a training picture; the highest of "
        f"{len(found.held_out)} is {found.held_out.max():.1f}; by {by}; false-discovery rate "
        f"{leakage.LEVEL:.0%} within each recipe"
    )
    return Scale(floor=float(np.median(found.held_out)), ceiling=float(found.held_out.max()), words=words)
