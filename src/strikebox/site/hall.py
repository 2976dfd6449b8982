"""The Hall of Fame: pictures that somebody chose, each enlarged once to twice its side."""

from typing import final

import sqlalchemy as sa

from strikebox.errors import BudgetSpent, MissingPicture
from strikebox.jobs import Database, Queue, Request
from strikebox.jobs.schema import jobs, pictures
from strikebox.site.budget import Budget
from strikebox.site.log import Log
from strikebox.site.pricing import Pricing

ENLARGEMENT = "enlargement"  # kind of job


@final
class Hall:
    """The hall of a database."""

    def __init__(self, database: Database, queue: Queue, budget: Budget, pricing: Pricing, log: Log) -> None:
        self._database, self._queue, self._log = database, queue, log
        self._budget, self._pricing = budget, pricing

    def admit(self, picture: str, who: str, why: str = "") -> None:
        """Hang a public picture; an enlargement is queued where there is none. Raises MissingPicture."""
        public = (pictures.c.id == picture, pictures.c.state == "public")
        now = sa.func.coalesce(pictures.c.hall, self._database.now)
        with self._database.writing() as connection:
            if connection.execute(sa.update(pictures).where(*public).values(hall=now)).rowcount != 1:
                raise MissingPicture(f"picture {picture} is not public; restore it first")
            self._log.write_in(connection, who, "admit to the hall", picture, why)
        self.queue_missing()

    def dismiss(self, picture: str, who: str, why: str = "") -> None:
        """Take one out; its enlargement stays. Raises MissingPicture."""
        there = (pictures.c.id == picture, pictures.c.hall.is_not(None))
        with self._database.writing() as connection:
            if connection.execute(sa.update(pictures).where(*there).values(hall=None)).rowcount != 1:
                raise MissingPicture(f"picture {picture} does not hang in the hall")
            self._log.write_in(connection, who, "dismiss from the hall", picture, why)

    def queue_missing(self) -> int:
        """Queue enlargements that are missing, as far as the day's budget goes; how many.

        Workers call it now and then, so that what the budget had no room for is made another day.
        """
        queued = 0
        for picture in self._missing():
            try:
                queued += self._queue_one(picture)
            except BudgetSpent:
                break
        return queued

    def _missing(self) -> list[str]:
        query = sa.select(pictures.c.id).where(
            pictures.c.state == "public", pictures.c.hall.is_not(None), pictures.c.enlarged.is_(None)
        )
        with self._database.reading() as connection:
            return list(connection.execute(query.order_by(pictures.c.hall)).scalars())

    def _queue_one(self, picture: str) -> bool:
        batch = f"{ENLARGEMENT} {picture}"
        asked = sa.select(jobs.c.id).where(jobs.c.batch == batch, jobs.c.state.not_in(("done", "cancelled")))
        request = Request(kind=ENLARGEMENT, batch=batch, payload={"picture": picture}, urgency=-1)
        with self._database.writing() as connection:
            if connection.execute(asked).first() is not None:
                return False
            (job,) = self._queue.submit_in(connection, [request])
            self._budget.reserve(connection, job, self._pricing.promise(connection, ENLARGEMENT))
        return True
