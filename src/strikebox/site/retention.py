"""What the site forgets: who ordered what from where, when it is old, and files that no picture needs."""

import sqlalchemy as sa

from strikebox.jobs.job import FINAL
from strikebox.jobs.schema import (
    batches,
    estimates,
    jobs,
    order_keys,
    orders,
    previews,
    reservations,
    tallies,
    workers,
)
from strikebox.site.context import Site
from strikebox.site.media import sweep
from strikebox.site.orders import KEYS_KEPT

_DAY = 86400.0


def keep(site: Site) -> None:
    """Delete what is older than the site keeps it. Raises JobsError or StoreError."""
    with site.database.reading() as connection:  # as a number, which PostgreSQL can look up in an index
        now = float(connection.execute(sa.select(site.database.now)).scalar_one())
    oldest = now - site.settings.retention_days * _DAY
    finished = sa.and_(jobs.c.state.in_(FINAL), jobs.c.finished < oldest)
    going_on = sa.exists().where(jobs.c.id == previews.c.job, jobs.c.state.not_in(FINAL))
    with site.database.writing() as connection:
        for old in (
            sa.delete(orders).where(orders.c.created < oldest),
            sa.delete(order_keys).where(order_keys.c.created < now - KEYS_KEPT),
            sa.delete(estimates).where(estimates.c.created < oldest),
            sa.delete(batches).where(batches.c.finished < oldest),
            sa.delete(reservations).where(reservations.c.settled < oldest),
            sa.delete(tallies).where(tallies.c.until < now),
            sa.delete(workers).where(workers.c.beat < now - _DAY, workers.c.stuck.is_(None)),
            sa.delete(previews).where(~going_on),
            sa.delete(jobs).where(finished),
        ):
            connection.execute(old)
    sweep(site.media, site.pictures.needed)
