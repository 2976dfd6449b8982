"""Rows on the pictures: are they enough, different, large enough, and are some held out?"""

from collections.abc import Sequence
from statistics import median

import numpy as np
from numpy.typing import NDArray

from strikebox.generation.backend import Size
from strikebox.lab import complexity
from strikebox.lab.checklist.row import Row, Verdict, judged
from strikebox.lab.dataset import Dataset
from strikebox.lab.near_duplicates import Pair, near_duplicates, shared
from strikebox.lab.words import count_words
from strikebox.metrics.conformal import held_out_needed, least_flagged

Prints = NDArray[np.float32]

ENOUGH = 0.5  # relative error of the style's covariance: above it the set is small, above 1 it shows nothing
DOUBLED = 0.1  # share of pictures that are there twice, above which they rule the training
FALSE_ALARMS = 0.05
TO_CALIBRATE = round(1 / FALSE_ALARMS) - 1  # held-out pictures, for 1 / (n + 1) to reach FALSE_ALARMS
TO_CERTIFY = 299  # 0.99^299 < 0.05: the largest of so many scores has under 1% above it, at 95% confidence
_NAMED = 3  # pairs that a sentence names


def size(pictures: int, variety: float | None, why: str | None) -> Row:
    """Dataset size against the style's complexity. `why` the variety was not measured."""
    title = "Dataset size against style complexity"
    if variety is None:
        reason = f"How much the style varies was not measured: {why or 'no features were given'}"
        return judged(
            "size", title, count_words(pictures, "picture"), _size(pictures, None), ("look", reason)
        )
    figure = f"{count_words(pictures, 'picture')}, {variety:.0f} directions of variation"
    return judged("size", title, figure, _size(pictures, variety), _shown(pictures, variety))


def _shown(pictures: int, variety: float) -> tuple[Verdict, str]:
    error, enough = complexity.error(pictures, variety), complexity.pictures_for(ENOUGH, variety)
    if error > 1:
        least = complexity.pictures_for(1, variety)
        learned = "They show no more than themselves, and all that a LoRA can learn is to repeat them"
        return "stop", f"{learned}; {least} pictures are the least, {enough} are enough."
    if error > ENOUGH:
        return (
            "look",
            f"They show the variation to within {error:.0%}; {enough} pictures would to {ENOUGH:.0%}.",
        )
    return "go", f"They show the variation to within {error:.0%}."


def _size(pictures: int, variety: float | None) -> dict[str, object]:
    return {
        "pictures": pictures,
        "variety": variety,
        "error": None if variety is None else complexity.error(pictures, variety),
        "enough": None if variety is None else complexity.pictures_for(ENOUGH, variety),
    }


def duplicates(dataset: Dataset, prints: Prints) -> Row:
    """Pictures that are there twice: the very file, or one made from the other."""
    names, pairs = [p.name for p in dataset.pictures], near_duplicates(prints)
    named = [(names[p.first], names[p.second], p.score) for p in pairs]
    redundant = {second for _, second, _ in named} | {name for name, _ in dataset.repeats}
    share = len(redundant) / (len(names) + len(dataset.repeats))
    return judged(
        "near-duplicates",
        "Near-duplicates",
        f"{len(redundant)} of {count_words(len(names) + len(dataset.repeats), 'picture')} too many",
        {
            "redundant": len(redundant),
            "share": share,
            "pairs": [{"first": a, "second": b, "score": s} for a, b, s in named],
            "repeats": [{"file": a, "kept": b} for a, b in dataset.repeats],
        },
        _doubled(share, [*((b, a) for a, b in dataset.repeats), *((a, b) for a, b, _ in named)]),
    )


def _doubled(share: float, pairs: Sequence[tuple[str, str]]) -> tuple[Verdict, str]:
    if not pairs:
        return "go", "No two are copies of each other."
    shown = "; ".join(f"{a} and {b}" for a, b in pairs[:_NAMED])
    more = f"; {len(pairs) - _NAMED} pairs more" if len(pairs) > _NAMED else ""
    advice = "What is there twice is remembered first; look at them and keep one of each"
    return "stop" if share > DOUBLED else "look", f"{advice}: {shown}{more}."


def resolution(dataset: Dataset, model: Size) -> Row:
    """Is there as much detail as the model draws?"""
    sides, wanted = [min(p.width, p.height) for p in dataset.pictures], min(model.width, model.height)
    small, middle = sum(side < wanted for side in sides), median(sides)
    figure = f"median shorter side {middle:g} px, the model draws {wanted} px"
    if 2 * middle < wanted:
        found: tuple[Verdict, str] = (
            "stop",
            "Most would be enlarged more than twice, and the LoRA learns their blur; find larger ones.",
        )
    elif small:
        found = "look", f"{small} of {len(sides)} are smaller than that; their blur is learned as style."
    else:
        found = "go", "None has to be enlarged."
    values = {"median": middle, "least": min(sides), "model": wanted, "smaller": small}
    return judged("resolution", "Resolution against the model's", figure, values, found)


def held_out(
    training: Dataset, prints: Prints, held: Dataset | None, held_prints: Prints | None, cells: int
) -> Row:
    """Pictures of the style that training never saw, to calibrate against. `cells` are to be tested."""
    n = 0 if held is None else len(held.pictures)
    seen = [] if held is None or held_prints is None else _seen(training, prints, held, held_prints)
    values = {
        "held_out": n,
        "least_p": 1 / (n + 1),
        "least_leaks": least_flagged(n, cells, FALSE_ALARMS),
        "cells": cells,
        "in_training": [{"held_out": a, "training": b} for a, b in seen],
    }
    findings = [_calibrates(n), *([_reach(n, cells)] if n >= TO_CALIBRATE else [])]
    if seen:
        pairs = "; ".join(f"{a} is {b}" for a, b in seen[:_NAMED])
        findings.append(
            ("stop", f"{len(seen)} of them are in the training set too ({pairs}); take them out.")
        )
    return judged("held-out", "Held-out pictures", count_words(n, "held-out picture"), values, *findings)


def _seen(training: Dataset, prints: Prints, held: Dataset, held_prints: Prints) -> list[tuple[str, str]]:
    """Held-out pictures that are in the training set, each with its like there."""
    by_hash = {p.sha256: p.name for p in training.pictures}
    found = {p.name: by_hash[p.sha256] for p in held.pictures if p.sha256 in by_hash}
    alike: list[Pair] = shared(held_prints, prints)
    for pair in alike:
        found.setdefault(held.pictures[pair.first].name, training.pictures[pair.second].name)
    return list(found.items())


def _calibrates(n: int) -> tuple[Verdict, str]:
    if n < TO_CALIBRATE:
        given = f"With {n} no p-value is below {1 / (n + 1):.2f}" if n else "Nothing can be calibrated"
        return (
            "stop",
            f"{given}; keep {TO_CALIBRATE} pictures of the style out of the training, better {TO_CERTIFY}.",
        )
    if n < TO_CERTIFY:
        reach = f"They calibrate false alarms of {FALSE_ALARMS:.0%}"
        return "look", f"{reach}; a limit that fewer than 1% of honest pictures exceed takes {TO_CERTIFY}."
    return "go", "They calibrate false alarms of 5%, and certify 1%."


def _reach(n: int, cells: int) -> tuple[Verdict, str]:
    """Benjamini and Hochberg reject k of m p-values where the k-th is at most k / m times the rate."""
    least, alone = least_flagged(n, cells, FALSE_ALARMS), held_out_needed(1, cells, FALSE_ALARMS)
    tested = f"among the {count_words(cells, 'picture')} of a recipe"
    if least == 1:
        return "go", f"One leak {tested} can be told."
    return (
        "look",
        f"Leaks {tested} can be told if there are {least} or more at once; one takes {alone}.",
    )
