"""What a run says: the table, seven pitfalls, the recipe to ship, and what could not be told."""

from dataclasses import dataclass

import numpy as np

from strikebox.lab import power
from strikebox.lab.measured import Measured
from strikebox.lab.verdict import lora_pitfalls, recipe_pitfalls
from strikebox.lab.verdict.finding import Finding
from strikebox.lab.verdict.recommend import Recommendation, recommend
from strikebox.lab.verdict.table import Table, table

__all__ = ["Verdict", "verdict"]

SEED = 1961  # of the permutations and bootstraps: a verdict must not change when it is read again

_PITFALLS = (
    lora_pitfalls.over_cooking,
    lora_pitfalls.textbook_leakage,
    lora_pitfalls.memorisation,
    recipe_pitfalls.misaligned_strength,
    recipe_pitfalls.blind_edit,
    lora_pitfalls.seed_collapse,
    recipe_pitfalls.theory_against_evidence,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """All of it, ready to be read."""

    measured: Measured
    table: Table
    findings: tuple[Finding, ...]
    recommendation: Recommendation
    limits: tuple[str, ...]  # what the design could not tell, a sentence each


def verdict(measured: Measured) -> Verdict:
    """Judge a measured run; the same measurements give the same verdict."""
    judged = table(measured, np.random.default_rng(SEED))
    return Verdict(
        measured=measured,
        table=judged,
        findings=tuple(pitfall(measured, judged) for pitfall in _PITFALLS),
        recommendation=recommend(judged),
        limits=(
            *measured.missing.values(),
            *measured.notes,
            *power.sentences(power.power(measured.run.design)),
        ),
    )
