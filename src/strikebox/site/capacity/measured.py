"""What a site's database knows: how long batches took, and when orders came."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from strikebox.errors import SettingsError
from strikebox.jobs import Database
from strikebox.jobs.schema import batches, jobs, orders, recipes
from strikebox.site.capacity.scenario import Kind
from strikebox.site.capacity.traffic import Arrivals, Orders
from strikebox.site.hall import ENLARGEMENT

_MOST = 1000  # latest batches of a kind
_FEWEST = 5  # batches that say anything


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A kind of picture with what it was told from."""

    kind: Kind
    key: str  # of its batches in the database
    batches: int
    sizes: int  # different ones; with one alone, nobody knows what another size takes


def measured(database: Database) -> list[Measured]:
    """The kinds of pictures that the site made, from their latest batches, the most frequent first.

    Raises SettingsError where none was measured often enough, JobsError where the database fails.
    """
    with database.reading() as connection:
        counted = sa.select(batches.c.batch).where(batches.c.batch != ENLARGEMENT)
        keys = connection.execute(counted.group_by(batches.c.batch).having(sa.func.count() >= _FEWEST))
        found = [_measured(connection, key) for key in keys.scalars().all()]
    if not found:
        raise SettingsError(
            f"{database.name}: holds fewer than {_FEWEST} batches of any recipe; make some, or give --kind"
        )
    return sorted(found, key=lambda one: -one.kind.share)


def fit(name: str, pictures: Sequence[int], seconds: Sequence[float]) -> Kind:
    """The line through measured batches by least squares, neither part below zero, and what they differ by.

    Batches of one size say nothing of others: there each picture is taken to cost as much as any.
    """
    sizes, times = np.asarray(pictures, float), np.asarray(seconds, float)
    if len(set(pictures)) == 1:
        fixed, each = 0.0, float(times.mean() / sizes[0])
    else:
        fixed, each = _line(sizes, times)
    ratios = times / (fixed + each * sizes)
    return Kind(
        name=name,
        fixed=fixed,
        each=each,
        spread=float(ratios.std()),
        share=float(sizes.sum()),
        factors=tuple(ratios.tolist()),
    )


def recorded(database: Database, kinds: Sequence[Measured]) -> Orders:
    """Orders of these kinds that the database remembers; refused ones are not among them.

    Raises SettingsError where there are fewer than two, JobsError where the database fails.
    """
    numbers = {one.key: number for number, one in enumerate(kinds)}
    query = sa.select(orders.c.created, jobs.c.batch).join(jobs, jobs.c.id == orders.c.job)
    query = query.where(jobs.c.batch.in_(numbers)).order_by(orders.c.created)
    with database.reading() as connection:
        rows = connection.execute(query).all()
    if len(rows) < 2:
        raise SettingsError(f"{database.name}: remembers fewer than two orders; give --visitors")
    times = np.array([row.created for row in rows]) - rows[0].created
    arrivals = Arrivals(times, np.array([numbers[row.batch] for row in rows]))
    return Orders(arrivals, seconds=max(float(times[-1]), 1.0))


def _line(sizes: NDArray[np.float64], times: NDArray[np.float64]) -> tuple[float, float]:
    """Seconds of a batch and of each picture in it."""
    fixed, each = np.polynomial.polynomial.polyfit(sizes, times, 1).tolist()
    if each < 0:
        return float(times.mean()), 0.0
    if fixed < 0:
        return 0.0, float(sizes @ times / (sizes @ sizes))
    return fixed, each


def _measured(connection: sa.Connection, key: str) -> Measured:
    query = sa.select(batches.c.pictures, batches.c.seconds).where(batches.c.batch == key)
    rows = connection.execute(query.order_by(batches.c.id.desc()).limit(_MOST)).all()[::-1]
    sizes = [row.pictures for row in rows]
    kind = fit(_name(connection, key), sizes, [row.seconds for row in rows])
    return Measured(kind=kind, key=key, batches=len(rows), sizes=len(set(sizes)))


def _name(connection: sa.Connection, key: str) -> str:
    name = connection.execute(sa.select(recipes.c.name).where(recipes.c.hash == key)).scalar()
    return str(name or key[:8])
