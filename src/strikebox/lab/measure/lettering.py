"""Lettering of every picture, read and looked for, and the training set's own text in it."""

from strikebox.lab.dataset import Dataset
from strikebox.lab.measure.looked import Looked
from strikebox.lab.measure.part import Part
from strikebox.lab.measured import Scale
from strikebox.metrics import lettering
from strikebox.metrics.features import Feature, Reader, Reading


def measure(looked: Looked) -> Part:
    """Columns: text_area, and where there is a reader lettering and text_overlap."""
    found = looked.features(looked.instruments.letters)
    area = [lettering.text_area(one) for one in found]
    reader = looked.instruments.reader
    if reader is None:
        reason = looked.instruments.missing.get("reader", "no reader was given")
        return Part(
            columns={"text_area": area}, missing={"lettering": f"Lettering was not measured: {reason}."}
        )
    read = looked.readings(reader)
    has = [lettering.has_lettering(one, reading) for one, reading in zip(found, read, strict=True)]
    return Part(
        columns={"text_area": area, "lettering": has, "text_overlap": _overlaps(looked, reader, read)},
        scales=_scales(looked, reader),
    )


def _overlaps(looked: Looked, reader: Reader, read: list[Reading]) -> list[float | None]:
    training = looked.references.training
    if training is None:
        return [None] * len(read)
    stated = [picture.text for picture in training.pictures]
    own = lettering.own_texts(stated, None if any(stated) else looked.readings_of(training, reader))
    overlaps = [lettering.overlap(lettering.text(reading), own) for reading in read]
    return [None if overlap is None else overlap.similarity for overlap in overlaps]


def _scales(looked: Looked, reader: Reader) -> dict[str, Scale]:
    """The other end of the scale: how many held-out pictures have lettering."""
    held_out = looked.references.held_out
    if held_out is None:
        return {}
    share = lettering.rate(_of(held_out, looked, reader))
    words = f"share with lettering; 1: of {len(held_out.pictures)} held-out pictures, by {reader.name}"
    return {"lettering": Scale(floor=0.0, ceiling=share, words=words)}


def _of(dataset: Dataset, looked: Looked, reader: Reader) -> list[bool | None]:
    found: Feature = looked.features_of(dataset, looked.instruments.letters)
    read = looked.readings_of(dataset, reader)
    return [lettering.has_lettering(one, reading) for one, reading in zip(found, read, strict=True)]
