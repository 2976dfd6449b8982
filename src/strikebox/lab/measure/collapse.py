"""Collapse of each recipe: effective number of pictures, seed lock, likeness of everything to everything."""

import numpy as np

from strikebox.lab.measure.looked import Looked, Rows
from strikebox.lab.measure.part import Part
from strikebox.lab.measured import Scale
from strikebox.lab.verdict.table import baseline
from strikebox.metrics import collapse
from strikebox.metrics.features import Feature


def measure(looked: Looked, generator: np.random.Generator) -> Part:
    """Groups: rke, seed_lock, seed_lock_p, global_collapse, collapsed."""
    features, recipes = looked.features(looked.instruments.layout), looked.run.design.recipes
    base = _alike(looked, features, looked.rows(baseline(recipes)))
    style = _style_alike(looked)
    groups: dict[str, dict[str, float | bool | None]] = {}
    for recipe in recipes:
        rows = looked.rows(recipe)
        if len(rows) < 2:
            continue
        lock = collapse.seed_lock(features[rows], *looked.labels(rows), generator)
        own = _alike(looked, features, rows)
        groups[recipe.name] = {
            "rke": collapse.effective_pictures(features[rows]),
            "seed_lock": None if lock is None else lock.observed,
            "seed_lock_p": None if lock is None else lock.p,
            "global_collapse": None if own is None or base is None else own.mean - base.mean,
            "collapsed": collapse.collapsed(own, base, style) if own and base and style else None,
        }
    return Part(groups=groups, scales=_scales(looked, generator))


def _alike(looked: Looked, features: Feature, rows: Rows) -> collapse.Alike | None:
    if len(rows) < 2:
        return None
    return collapse.alike(features[rows], *looked.labels(rows))


def _style_alike(looked: Looked) -> collapse.Alike | None:
    """How alike held-out pictures of different subjects are, where their subjects are known."""
    held_out = looked.references.held_out
    if held_out is None:
        return None
    known = [i for i, picture in enumerate(held_out.pictures) if picture.subject is not None]
    if len(known) < 2:
        return None
    features = looked.features_of(held_out, looked.instruments.layout)[known]
    return collapse.alike(features, [str(held_out.pictures[i].subject) for i in known])


def _scales(looked: Looked, generator: np.random.Generator) -> dict[str, Scale]:
    held_out = looked.references.held_out
    count = max((len(looked.rows(recipe)) for recipe in looked.run.design.recipes), default=0)
    if held_out is None or not 2 <= count <= len(held_out.pictures):
        return {}
    features = looked.features_of(held_out, looked.instruments.layout)
    ceiling = collapse.expected_effective_pictures(features, count, generator)
    words = f"1: all pictures alike; {ceiling:.1f}: {count} held-out pictures, on average"
    return {"rke": Scale(floor=1.0, ceiling=ceiling, words=words)}
