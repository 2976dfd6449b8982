"""Queue and budget together, in whatever order things happen: nothing lost, nothing twice, no day overrun."""

import hypothesis.strategies as st
import pytest
import sqlalchemy as sa
from bookkeeping import FINAL, MOST_ATTEMPTS, Book, Entry, Refused
from figures import Note
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    Bundle,
    MultipleResults,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)

from strikebox.errors import BudgetSpent, LeaseLost
from strikebox.jobs import Database, Job, Queue, Request
from strikebox.jobs.schema import days, jobs, reservations
from strikebox.site.budget import Budget

_NANO = 10**9
_LIMIT = 100  # cents a day
_LEASE = 60.0  # seconds
_DAY = 86400.0
_START = 1_700_006_400.0  # a midnight

Cents = st.integers(1, 40)
Held = tuple[Job, int]  # a lease as a worker has it, and its number in the book


class Books(RuleBasedStateMachine):
    """Every rule does the same to the database and to the book, and both must say the same."""

    leased: Bundle[Held] = Bundle("leased")
    database: Database  # a subclass brings it

    def __init__(self) -> None:
        super().__init__()
        with self.database.writing() as connection:
            for table in (jobs, days, reservations):
                connection.execute(sa.delete(table))
        self.book = Book(limit=_LIMIT * _NANO // 100, lease=_LEASE)
        self.queue = Queue(self.database, lease=_LEASE)
        self.budget = Budget(self.database, _LIMIT / 100, clock=lambda: _START + self.book.now)

    @property
    def today(self) -> str:
        return f"day {int(self.book.now // _DAY)}"

    @rule(cents=Cents, batch=st.sampled_from("ab"), urgency=st.integers(0, 1))
    def submit(self, cents: int, batch: str, urgency: int) -> None:
        amount, fits = cents * _NANO // 100, self.book.fits(self.today, cents * _NANO // 100)
        request = Request(kind="picture", batch=batch, payload={}, urgency=urgency)
        try:
            with self.database.writing() as connection:
                (id,) = self.queue.submit_in(connection, [request])
                self.budget.reserve(connection, id, cents / 100)
        except BudgetSpent:
            assert not fits
            return
        assert fits
        self.book.entries[id] = Entry(id, batch, urgency, self.today, amount)

    @rule(target=leased, most=st.integers(1, 3))
    def lease(self, most: int) -> MultipleResults[Held]:
        found = self.queue.lease("worker", most)
        expected, number = self.book.next(most)
        assert [(job.id, job.attempt) for job in found] == [(e.id, e.attempt) for e in expected]
        return multiple(*((job, number) for job in found))

    @rule(held=leased, cents=st.integers(0, 5))
    def renew(self, held: Held, cents: int) -> None:
        """As a worker does it: kept, paid from what was promised, and promised more where that is needed."""
        job, number = held
        amount = cents * _NANO // 100
        try:
            with self.database.writing() as connection:
                self.queue.renew_in(connection, job, 1, 2)
                left = self.budget.use(connection, job.id, cents / 100)
                if left < 0:
                    self.budget.extend(connection, job.id, -left)
        except (LeaseLost, BudgetSpent) as error:
            short = self._short(held, amount)
            assert isinstance(error, LeaseLost) == (short is None)
            assert short is None or not self.book.fits(self.book.entries[job.id].day, short)
            return
        entry = self.book.held(job.id, number)
        more = max(entry.used + amount - entry.reserved, 0)
        assert self.book.fits(entry.day, more)
        entry.used, entry.reserved = entry.used + amount, entry.reserved + more
        entry.until = self.book.now + _LEASE

    @rule(held=leased)
    def finish(self, held: Held) -> None:
        job, number = held
        entry = self.book.entries[job.id]
        rest = min(entry.reserved - entry.used, _NANO // 100)
        try:
            with self.database.writing() as connection:
                self.queue.finish_in(connection, job, {"picture": job.id})
                self.budget.settle(connection, job.id, rest / _NANO)
        except LeaseLost:
            with pytest.raises(Refused):
                self.book.end(job.id, number, "done")
            return
        self.book.settle(self.book.end(job.id, number, "done"), rest)

    @rule(held=leased, retry=st.booleans())
    def fail(self, held: Held, retry: bool) -> None:
        try:
            self.queue.fail(held[0], "went-wrong", retry=retry)
        except LeaseLost:
            with pytest.raises(Refused):
                self._fail(held, retry)
            return
        self._fail(held, retry)

    @rule(held=consumes(leased))
    def release(self, held: Held) -> None:
        self.queue.release([held[0]])
        try:
            entry = self.book.held(held[0].id, held[1])
        except Refused:
            return
        entry.state, entry.attempt = "waiting", entry.attempt - 1

    @rule(held=leased)
    def cancel(self, held: Held) -> None:
        entry = self.book.entries[held[0].id]
        assert self.queue.cancel(entry.id) == (entry.state not in FINAL)
        if entry.state not in FINAL:
            entry.state = "cancelled"

    @rule()
    def settle(self) -> None:
        while self.budget.settle_ended():
            pass
        self.book.settle_ended()

    @rule()
    def expire(self) -> None:
        """The worker is known to be dead."""
        running = [entry for entry in self.book.entries.values() if entry.state == "running"]
        assert self.queue.expire("worker") == len(running)
        for entry in running:
            entry.until = self.book.now - 1

    @rule(target=leased, most=st.integers(1, 3))
    def lease_and_die(self, most: int) -> MultipleResults[Held] | Held:
        held = self.lease(most)
        self.expire()
        return held

    @rule(seconds=st.sampled_from([1.0, _LEASE / 2, _LEASE + 1, _DAY]))
    def pass_time(self, seconds: float) -> None:
        """The database's clock cannot be moved, so leases are."""
        self.book.now += seconds
        with self.database.writing() as connection:
            connection.execute(sa.update(jobs).values(leased_until=jobs.c.leased_until - seconds))

    @invariant()
    def both_say_the_same(self) -> None:
        with self.database.reading() as connection:
            rows = connection.execute(sa.select(jobs.c.id, jobs.c.state, jobs.c.attempt)).all()
            money = connection.execute(
                sa.select(reservations.c.job, reservations.c.reserved, reservations.c.used, _SETTLED)
            ).all()
            found = connection.execute(sa.select(days.c.reserved, days.c.spent).order_by(days.c.day)).all()
        entries = self.book.entries.values()
        assert sorted(map(tuple, rows)) == sorted((e.id, e.state, e.attempt) for e in entries)
        assert sorted(map(tuple, money)) == sorted((e.id, e.reserved, e.used, e.settled) for e in entries)
        assert list(map(tuple, found)) == [self.book.sums(day) for day in self._days()]
        assert all(sum(day) <= self.book.limit for day in found)

    def _days(self) -> list[str]:
        return sorted({entry.day for entry in self.book.entries.values()}, key=lambda day: int(day[4:]))

    def _short(self, held: Held, amount: int) -> int | None:
        """By how much the promise is too small; None where the lease is lost."""
        try:
            entry = self.book.held(held[0].id, held[1])
        except Refused:
            return None
        return entry.used + amount - entry.reserved

    def _fail(self, held: Held, retry: bool) -> None:
        job, number = held
        if retry and job.attempt < MOST_ATTEMPTS:
            self.book.held(job.id, number).state = "waiting"
        else:
            self.book.end(job.id, number, "failed")


_SETTLED = reservations.c.settled.is_not(None)


def test_the_books_agree_whatever_happens(database: Database, full: bool, note: Note) -> None:
    examples = 1000 if full else 25
    machine = type("These", (Books,), {"database": database})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=40,
            deadline=None,
            database=None,
            derandomize=not full,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
    kind = "sqlite" if database.is_sqlite else "postgresql"
    note(f"books-{kind}", histories=examples, steps_each_at_most=40)
