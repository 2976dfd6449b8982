"""Whether each picture shows its subject, whole."""

from collections.abc import Sequence

from strikebox.lab.measure.looked import Looked, Rows
from strikebox.lab.measure.part import Part
from strikebox.lab.measured import Scale
from strikebox.lab.verdict.table import baseline
from strikebox.metrics import anatomy
from strikebox.metrics.anatomy import Flags, Judged
from strikebox.metrics.features import Feature, Judge


def measure(looked: Looked) -> Part:
    """Columns: noise; named, margin and whole where there is a judge that may be believed."""
    plain = baseline(looked.run.design.recipes)
    base = looked.rows(plain)[: 0 if plain.uses_lora else None]  # no picture where the design has none
    noise, scales = _noise(looked, base)
    columns = {"noise": None if noise is None else noise.tolist()}
    judge = looked.instruments.judge
    if judge is None:
        reason = looked.instruments.missing.get("judge", "Anatomy was not measured: no judge was given.")
        return Part(columns=_known(columns), scales=scales, missing={"anatomy": reason})
    choices = anatomy.names(looked.subjects, looked.references.other_subjects)
    words = judge.words(choices)
    judged = anatomy.judge(looked.features(judge), words, choices, looked.subjects)
    ceiling = anatomy.ceiling(_real(looked, judge, words, choices), _some(judged, base))
    about = f"{len(choices)} names; {ceiling.reason}"
    scale = Scale(floor=1 / len(choices), ceiling=ceiling.rate, words=about)
    if not ceiling.usable:
        reason = f"Anatomy was not measured: {ceiling.reason}. Give another judge (--judge)."
        return Part(columns=_known(columns), scales={**scales, "anatomy": scale}, missing={"anatomy": reason})
    columns |= {
        "named": judged.named.tolist(),
        "margin": judged.margin.tolist(),
        "whole": None if noise is None else anatomy.whole(judged.named, noise).tolist(),
    }
    return Part(columns=_known(columns), scales={**scales, "anatomy": scale})


def _noise(looked: Looked, base: Rows) -> tuple[Flags | None, dict[str, Scale]]:
    """Which cells are texture, measured against the base model's pictures and held-out ones."""
    extractor, held_out = looked.instruments.noise, looked.references.held_out
    features = looked.features(extractor)
    references: dict[str, Feature] = {"the base model's pictures": features[base]}
    if held_out is not None:
        references["held-out pictures"] = looked.features_of(held_out, extractor)
    alarm = anatomy.noise_alarm(references)
    if alarm is None:
        return None, {}
    expected = ", ".join(f"at most {share:.0%} of {kind}" for kind, share in alarm.expected.items())
    words = f"share of pictures that are texture; the alarm calls {expected} so by chance"
    return alarm(features), {"noise": Scale(floor=0.0, ceiling=1.0, words=words)}


def _real(looked: Looked, judge: Judge, words: Feature, choices: Sequence[str]) -> Judged | None:
    """What the judge says of held-out pictures whose subjects are known."""
    held_out = looked.references.held_out
    if held_out is None:
        return None
    known = [(i, p.subject) for i, p in enumerate(held_out.pictures) if p.subject is not None]
    if not known:
        return None
    features = looked.features_of(held_out, judge)[[i for i, _ in known]]
    return anatomy.judge(features, words, choices, [subject for _, subject in known])


def _some(judged: Judged, rows: Rows) -> Judged:
    best = tuple(one for row, one in enumerate(judged.best) if row in rows)
    return Judged(named=judged.named[rows], margin=judged.margin[rows], best=best)


def _known(columns: dict[str, list[bool] | list[float] | None]) -> dict[str, list[bool] | list[float]]:
    return {name: values for name, values in columns.items() if values is not None}
