"""A job, as it is asked for and as it stands."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

State = Literal["waiting", "running", "done", "failed", "cancelled"]
FINAL: tuple[State, ...] = ("done", "failed", "cancelled")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked for."""

    kind: str  # what a worker does with it: picture, enlargement
    batch: str  # jobs of one kind and batch may be done together: a recipe's hash, say
    payload: Mapping[str, object]  # JSON: what the kind needs
    client: str | None = None  # who asked; None: the house itself
    urgency: int = 0  # higher comes first, then the older


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A row of the queue. Times are seconds since 1970, UTC, by the database's clock."""

    id: str  # 32 hexadecimal digits; later ones sort behind earlier ones
    kind: str
    batch: str
    payload: Mapping[str, object]
    client: str | None
    urgency: int
    state: State
    attempt: int  # how often it was leased
    fence: int  # higher with every lease of any job; 0: never leased
    worker: str | None  # who leased it last
    leased_until: float | None
    steps_done: int
    steps: int  # 0: not known yet
    created: float
    started: float | None  # of the last attempt
    finished: float | None
    result: Mapping[str, object] = field(default_factory=dict[str, object])  # JSON, of a done job
    error: str | None = None  # of its last failure: `code: line for the operator`
    version: int = 0  # grows with every change of the row

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state in FINAL
