"""What one measurement adds to the whole."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from strikebox.lab.measured import Handoff, Leak, Scale

Values = Sequence[float | None] | Sequence[bool | None] | Sequence[str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Columns are in the order of the cells; a column that is not there is null throughout."""

    columns: Mapping[str, Values] = field(default_factory=dict[str, Values])
    groups: Mapping[str, Mapping[str, float | None]] = field(
        default_factory=dict[str, Mapping[str, float | None]]
    )  # by recipe: fields of `Group`
    handoffs: tuple[Handoff, ...] = ()
    leaks: tuple[Leak, ...] = ()
    scales: Mapping[str, Scale] = field(default_factory=dict[str, Scale])
    missing: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()
