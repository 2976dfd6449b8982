"""Style of every picture, between the base model's and held-out pictures of the style."""

from collections.abc import Mapping

from strikebox.lab.measure.looked import Looked
from strikebox.lab.measure.part import Part
from strikebox.lab.measured import Scale
from strikebox.lab.verdict.table import NO_BASE, baseline
from strikebox.metrics import style
from strikebox.metrics.features import Extractor, Feature
from strikebox.metrics.style import Descriptor, Scores, Style


def measure(looked: Looked) -> Part:
    """Columns: style."""
    if looked.references.held_out is None:
        return Part(missing={"style": "Style was not measured: give held-out pictures of it (--held-out)."})
    plain = baseline(looked.run.design.recipes)
    if plain.uses_lora:
        return Part(missing={"style": f"Style was not measured: {NO_BASE}."})
    base = looked.rows(plain)
    features = {extractor.name: looked.features(extractor) for extractor in looked.instruments.style}
    result = style.measure(
        [
            Descriptor(
                name=extractor.name,
                generated=features[extractor.name],
                base=features[extractor.name][base],
                held_out=looked.features_of(looked.references.held_out, extractor),
                distractors=_distractors(looked, extractor),
            )
            for extractor in looked.instruments.style
        ]
    )
    if result.scores is None:
        return Part(missing={"style": f"Style was not measured: {result.reason}."}, notes=_notes(result))
    return Part(
        columns={"style": result.scores.generated.tolist()},
        scales={"style": _scale(result, result.scores)},
        notes=_notes(result),
    )


def _distractors(looked: Looked, extractor: Extractor) -> Mapping[str, Feature]:
    sets = looked.references.distractors
    return {name: looked.features_of(dataset, extractor) for name, dataset in sets.items()}


def _scale(result: Style, scores: Scores) -> Scale:
    used = ", ".join(one.name for one in result.descriptors if one.admitted)
    ceiling, floor = scores.ceiling, scores.floor
    return Scale(
        floor=floor.mean,
        ceiling=ceiling.mean,
        words=f"0: the base model's {floor.pictures} pictures (standard deviation {floor.sd:.2f}); 1: "
        f"{ceiling.pictures} held-out pictures, each left out in turn ({ceiling.sd:.2f}); by {used}",
    )


def _notes(result: Style) -> tuple[str, ...]:
    refused = [one for one in result.descriptors if not one.admitted]
    return tuple(f"Style: {one.name} does not count ({one.reason})." for one in refused)
