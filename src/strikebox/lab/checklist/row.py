"""A row of the checklist."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["go", "look", "stop"]
_GRAVITY: tuple[Verdict, ...] = ("stop", "look", "go")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What was measured of one thing, and what follows."""

    name: str
    title: str
    verdict: Verdict  # go; look: go on, knowing this; stop: mend this first
    figure: str
    reason: str  # sentences, the gravest first
    values: Mapping[str, object]  # the figures as JSON; None where not measured


def judged(
    name: str, title: str, figure: str, values: Mapping[str, object], *findings: tuple[Verdict, str]
) -> Row:
    """A row whose verdict is the gravest of its findings, each a verdict and a sentence."""
    ordered = sorted(findings, key=lambda finding: _GRAVITY.index(finding[0]))
    return Row(
        name=name,
        title=title,
        verdict=ordered[0][0],
        figure=figure,
        reason=" ".join(sentence for _, sentence in ordered),
        values=values,
    )
