"""Orders for pictures: rules, limits, queue, money and the job itself in one transaction, all or nothing."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import sqlalchemy as sa

from strikebox.errors import KeyReused, PromptRefused, QueueFull, SubjectError, TooMany
from strikebox.generation.plan import MOST_SEED
from strikebox.jobs import Database, Queue, Request
from strikebox.jobs.schema import jobs, order_keys, orders
from strikebox.recipe import Recipe, check_subject
from strikebox.site.budget import Budget
from strikebox.site.pricing import Pricing
from strikebox.site.settings import LimitsSection
from strikebox.site.sql import one_writer
from strikebox.site.waiting import Waiting

PICTURE = "picture"  # kind of job
PromptRule = Callable[[str], object]  # raises PromptRefused on a subject that is not drawn

_ORDERING = 1962  # number of the lock under which orders are taken
_MINUTE, _DAY = 60.0, 86400.0
_CLIENTS_A_NETWORK = 5  # that may order at full speed at once: who drops the cookie is a new client
KEYS_KEPT = _DAY  # seconds for which an Idempotency-Key stands for its order
_BEFORE_RETRY = 30.0  # seconds until a full queue has most likely moved


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a client gets for an order."""

    id: str  # of the job, and of the picture when it is there
    repeated: bool  # whether the key had ordered it before


def any_subject(subject: str) -> None:
    """The rule that refuses nothing."""


@final
class Orders:
    """Takes orders for pictures by one recipe."""

    def __init__(
        self,
        database: Database,
        queue: Queue,
        budget: Budget,
        pricing: Pricing,
        waiting: Waiting,
        limits: LimitsSection,
        recipe: Recipe,
        rule: PromptRule = any_subject,
        draw_seed: Callable[[], int] = lambda: secrets.randbelow(MOST_SEED + 1),
    ) -> None:
        self._database, self._queue, self._waiting = database, queue, waiting
        self._budget, self._pricing, self._limits = budget, pricing, limits
        self._recipe, self._rule, self._draw_seed = recipe, rule, draw_seed

    def place(
        self,
        subject: str,
        client: str,
        *,
        seed: int | None = None,
        network: str,
        key: str | None = None,
        body_digest: str | None = None,
        urgency: int = 0,
        per_day: int | None = None,
    ) -> Ticket:
        """Order a picture of `subject`; `seed` is drawn unless given, `per_day` is the limits' own.

        `network` stands for where the client is. An order with a `key` that the client used before is that
        same order; `body_digest` says what was asked for. Raises PromptRefused, TooMany, QueueFull,
        BudgetSpent or KeyReused, and JobsError where the database fails.
        """
        checked = self._checked(subject, seed)
        with self._database.writing() as connection:
            one_writer(connection, _ORDERING)
            if key is not None and (job := self._ordered(connection, client, key, body_digest)) is not None:
                return Ticket(job, repeated=True)
            self._check_limits(connection, client, network, per_day)
            job = self._submit(connection, checked, client, seed, urgency)
            now = self._database.now
            row = {"job": job, "client": client, "network": network}
            connection.execute(sa.insert(orders).values(created=now, **row))
            if key is not None:
                connection.execute(sa.delete(order_keys).where(*_of(client, key)))  # an expired one
                kept = {"client": client, "key": key, "digest": body_digest or "", "job": job}
                connection.execute(sa.insert(order_keys).values(created=now, **kept))
            self._waiting.promise_in(connection, job)
        return Ticket(job, repeated=False)

    def placed(self, client: str, key: str, body_digest: str | None) -> Ticket | None:
        """What the client ordered under this key before, if anything. Raises KeyReused, or JobsError."""
        with self._database.reading() as connection:
            job = self._ordered(connection, client, key, body_digest)
        return None if job is None else Ticket(job, repeated=True)

    def cancel(self, id: str, client: str) -> bool:
        """Whether `client` ordered it and it will not be made. What it cost so far stays spent."""
        mine = sa.select(orders.c.job).where(orders.c.job == id, orders.c.client == client)
        with self._database.reading() as connection:
            if connection.execute(mine).first() is None:
                return False
        cancelled = self._queue.cancel(id)
        if cancelled:
            self._budget.settle_ended()
        return cancelled

    def _checked(self, subject: str, seed: int | None) -> str:
        if seed is not None and not 0 <= seed <= MOST_SEED:
            raise PromptRefused(f"The seed is {seed}; it lies between 0 and {MOST_SEED}.")
        try:
            checked = check_subject(subject)
        except SubjectError as error:
            raise PromptRefused(str(error)) from None
        self._rule(checked)
        return checked

    def _submit(
        self, connection: sa.Connection, subject: str, client: str, seed: int | None, urgency: int
    ) -> str:
        request = Request(
            kind=PICTURE,
            batch=self._recipe.hash,
            payload={"subject": subject, "seed": self._draw_seed() if seed is None else seed},
            client=client,
            urgency=urgency,
        )
        (job,) = self._queue.submit_in(connection, [request])
        self._budget.reserve(connection, job, self._pricing.promise(connection, request.batch))
        return job

    def _check_limits(
        self, connection: sa.Connection, client: str, network: str, per_day: int | None
    ) -> None:
        limits = self._limits
        daily = limits.per_day if per_day is None else per_day
        self._check_window(connection, orders.c.client, client, limits.burst, _MINUTE)
        self._check_window(connection, orders.c.client, client, daily, _DAY)
        if per_day is None:  # who has a key has its quota, wherever it comes from
            crowd = limits.burst * _CLIENTS_A_NETWORK
            self._check_window(connection, orders.c.network, network, crowd, _MINUTE)
            self._check_window(connection, orders.c.network, network, limits.network_per_day, _DAY)
        waiting = sa.select(sa.func.count()).select_from(jobs).where(jobs.c.state == "waiting")
        if connection.execute(waiting).scalar_one() >= limits.queue:
            raise QueueFull("Too many pictures are waiting to be made; try again soon.", _BEFORE_RETRY)

    def _check_window(
        self, connection: sa.Connection, column: sa.Column[str], value: str, most: int, seconds: float
    ) -> None:
        """At most `most` orders in any `seconds`: the oldest of them must be out of the window."""
        if most == 0:
            raise TooMany("This site takes no orders from you.", seconds)
        now = self._database.now
        latest = sa.select((now - orders.c.created).label("age")).where(column == value)
        latest = latest.where(orders.c.created > now - seconds).order_by(orders.c.created.desc())
        age = connection.execute(latest.offset(most - 1).limit(1)).scalar()
        if age is not None:
            span = "a minute" if seconds == _MINUTE else "24 hours"
            whose = "you" if column is orders.c.client else "your network"
            message = f"At most {most} pictures in {span} for {whose}; try again later."
            raise TooMany(message, retry_after=max(seconds - age, 1.0))

    def _ordered(self, connection: sa.Connection, client: str, key: str, digest: str | None) -> str | None:
        """The job that this key stands for, if any. Raises KeyReused where it stands for another."""
        young = order_keys.c.created > self._database.now - KEYS_KEPT
        query = sa.select(order_keys.c.digest, order_keys.c.job).where(*_of(client, key), young)
        row = connection.execute(query).first()
        if row is None:
            return None
        if row.digest != (digest or ""):
            raise KeyReused("This Idempotency-Key stood for another order; use a new one for each order.")
        return row.job


def _of(client: str, key: str) -> tuple[sa.ColumnElement[bool], ...]:
    return order_keys.c.client == client, order_keys.c.key == key
