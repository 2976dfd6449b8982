"""What a diagnosis says about one pitfall."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Status = Literal["found", "cleared", "open"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One pitfall: found, cleared, or open where the run cannot tell."""

    name: str
    title: str
    status: Status
    because: str  # the evidence with its numbers; for an open one what would settle it
    recipes: tuple[str, ...] = ()  # names of those that it is about
    evidence: Mapping[str, float | None] = field(default_factory=dict[str, float | None])


@dataclass(frozen=True, slots=True)
class Pitfall:
    """Makes findings of one name."""

    name: str
    title: str

    def found(self, because: str, *recipes: str, **evidence: float | None) -> Finding:
        """It happened, in `recipes`."""
        return self._finding("found", because, recipes, evidence)

    def cleared(self, because: str, *recipes: str, **evidence: float | None) -> Finding:
        """It was looked for and is not there."""
        return self._finding("cleared", because, recipes, evidence)

    def open(self, because: str) -> Finding:
        """The run cannot tell."""
        return self._finding("open", because, (), {})

    def _finding(
        self, status: Status, because: str, recipes: tuple[str, ...], evidence: Mapping[str, float | None]
    ) -> Finding:
        return Finding(
            name=self.name,
            title=self.title,
            status=status,
            because=because,
            recipes=recipes,
            evidence=evidence,
        )
