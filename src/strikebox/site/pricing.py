"""What a picture will cost at most, from what pictures cost lately."""

from dataclasses import dataclass

import sqlalchemy as sa

from strikebox.jobs.schema import batches

LATELY = 50  # batches
MARGIN = 1.5  # times the slowest of them: a promise that is too small stops a picture half-way


@dataclass(frozen=True, slots=True, kw_only=True)
class Pricing:
    """Seconds to dollars."""

    dollars_per_hour: float  # of the worker's machine
    first_guess: float  # seconds that a picture may take before any was measured

    def promise(self, connection: sa.Connection, batch: str) -> float:
        """Dollars to reserve for one picture of this `batch`."""
        share = batches.c.seconds / batches.c.pictures
        lately = sa.select(share).where(batches.c.batch == batch).order_by(batches.c.id.desc()).limit(LATELY)
        seconds = connection.execute(lately).scalars().all()
        return self.dollars(MARGIN * max(seconds) if seconds else self.first_guess)

    def lately(self, connection: sa.Connection, batch: str) -> float | None:
        """Dollars that a picture of this `batch` cost on average; None where none was made."""
        made = sa.select(batches.c.seconds, batches.c.pictures).where(batches.c.batch == batch)
        rows = connection.execute(made.order_by(batches.c.id.desc()).limit(LATELY)).all()
        pictures = sum(row.pictures for row in rows)
        return self.dollars(sum(row.seconds for row in rows) / pictures) if pictures else None

    def dollars(self, seconds: float) -> float:
        """What so many seconds cost."""
        return seconds * self.dollars_per_hour / 3600
