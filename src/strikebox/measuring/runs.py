"""Which extractors and which pictures a run is measured with.

torch is loaded when an extractor that needs it is, and not before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from strikebox import api
from strikebox.cluster.studio import Eyes, LoadEyes
from strikebox.generation.backend import Model
from strikebox.lab import dataset, measure, report, verdict
from strikebox.lab.dataset import Dataset
from strikebox.lab.measure import Instruments, OnProgress, References
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict, export
from strikebox.lora import header
from strikebox.metrics.features import Extractor, Judge, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What may be chosen. None: what comes with the package, where it fits the run."""

    training: Path | None = None  # folder of the pictures that the LoRA was trained on
    held_out: Path | None = None  # folder of pictures of the same style that it never saw
    judge: str | None = None  # a CLIP, SigLIP or dual encoder: directory or hub id
    style: tuple[str, ...] = ()  # more descriptors of style: names, directories or hub ids
    language: str = "rus"  # of the lettering, as tesseract names it
    dollars_per_hour: float | None = None


def judge_run(
    run: Run, options: Options | None = None, on_progress: OnProgress = lambda name, done, of: None
) -> tuple[Verdict, Path]:
    """Measure a run, judge it, and write verdict.json, cells.parquet, recommended.toml and the report.

    Returns the verdict and the report's path. Raises StrikeboxError.
    """
    chosen = options or Options()
    references = find_references(run.model, chosen)
    measured = measure.measure(run, load_instruments(run.model, chosen), references, on_progress)
    judged = verdict.verdict(measured)
    export.write(judged)
    training = () if references.training is None else references.training.pictures
    path = report.write(
        run, chosen.dollars_per_hour, judged, {picture.name: picture.path for picture in training}
    )
    return judged, path


def find_references(model: Model, options: Options) -> References:
    """What the run is compared with; the embedded labels where the LoRA is the embedded one."""
    labels = api.embedded("labels") if _is_embedded(model) else None
    training = options.training or (labels and labels / "train")
    held_out = options.held_out or (labels and labels / "held-out")
    read = {name: dataset.read(path) for name, path in (("t", training), ("h", held_out)) if path is not None}
    return References(
        training=read.get("t"),
        held_out=read.get("h"),
        distractors=_distractors(),
        other_subjects=_subjects(read),
    )


def load_instruments(model: Model, options: Options) -> Instruments:
    """Extractors for a run of `model`. What cannot be had is named in `missing`; the others still measure.

    Raises ExtractorError where one that was asked for cannot be had.
    """
    from strikebox.extractors import registry

    missing: dict[str, str] = {}
    judge = _judge(model, options, missing)
    own: tuple[Extractor, ...] = () if judge is None else (judge,)
    asked = tuple(registry.extractor("vision", model=name) for name in options.style)
    return Instruments(
        style=(registry.extractor("palette"), registry.extractor("print-texture"), *own, *asked),
        copies=(registry.extractor("thumbnail"), registry.extractor("efficientnet")),
        layout=registry.extractor("composition"),
        trace=registry.extractor("tones"),
        noise=registry.extractor("noise"),
        letters=registry.extractor("lettering"),
        judge=judge,
        reader=_reader(options.language, missing),
        missing=missing,
    )


def eyes(options: Options) -> LoadEyes:
    """What looks at pictures where they are made, so that `judge_run` finds it done. It can be sent."""
    return partial(_load_eyes, options)


def _load_eyes(options: Options, model: Model) -> Eyes:
    loaded = load_instruments(model, options)
    single = (loaded.layout, loaded.trace, loaded.noise, loaded.letters)
    return Eyes(extractors=(*loaded.style, *loaded.copies, *single), reader=loaded.reader)


def _is_embedded(model: Model) -> bool:
    file = api.embedded("lora/pytorch_lora_weights.safetensors")
    return file.is_file() and model.lora_hash == header.read(file).hash


def _distractors() -> Mapping[str, Dataset]:
    """Drawings in other styles than the one that is judged, a set a folder."""
    folders = sorted(path for path in api.embedded("distractors").iterdir() if path.is_dir())
    return {path.name: dataset.read(path) for path in folders}


def _subjects(read: Mapping[str, Dataset]) -> tuple[str, ...]:
    """Everything that the datasets say they show, in order."""
    named = (picture.subject for data in read.values() for picture in data.pictures)
    return tuple(dict.fromkeys(subject for subject in named if subject))


def _judge(model: Model, options: Options, missing: dict[str, str]) -> Judge | None:
    from strikebox.extractors.judge import ClipJudge

    if options.judge is not None:
        return ClipJudge(options.judge)
    folder = api.embedded("judge")
    if _is_embedded(model) and folder.is_dir():
        return ClipJudge(folder)
    missing["judge"] = (
        "Anatomy was not measured: give a CLIP, SigLIP or dual encoder that knows the subjects (--judge)."
    )
    return None


def _reader(language: str, missing: dict[str, str]) -> Reader | None:
    from strikebox.extractors.tesseract import Tesseract, available

    if reason := available(language):
        missing["reader"] = reason
        return None
    return Tesseract(language)
