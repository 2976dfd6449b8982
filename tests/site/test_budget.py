"""Money: never more promised and spent than there is, however many ask at once, and exact to the cent."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from strikebox.errors import BudgetSpent
from strikebox.jobs import Database, Queue, Request
from strikebox.site.budget import Budget

MIDNIGHT = datetime(2026, 11, 24, tzinfo=ZoneInfo("Europe/Moscow")).timestamp()


class Clock:
    """Tells the time that it was set to."""

    def __init__(self) -> None:
        self.now = MIDNIGHT - 60.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def budget(database: Database, clock: Clock) -> Budget:
    return Budget(database, 1.0, "Europe/Moscow", clock)


def reserve(database: Database, budget: Budget, job: str, dollars: float) -> None:
    with database.writing() as connection:
        budget.reserve(connection, job, dollars)


def settle(database: Database, budget: Budget, job: str, dollars: float) -> float:
    with database.writing() as connection:
        return budget.settle(connection, job, dollars)


def figures(budget: Budget) -> tuple[float, float, float]:
    today = budget.today()
    return today.spent, today.reserved, today.left


def test_what_is_promised_is_not_promised_twice(database: Database, budget: Budget) -> None:
    assert figures(budget) == (0, 0, 1)
    reserve(database, budget, "a", 0.7)
    with pytest.raises(BudgetSpent, match="again at 00:00 MSK") as refused:
        reserve(database, budget, "b", 0.4)
    assert refused.value.retry_after == 60
    reserve(database, budget, "c", 0.3)
    assert figures(budget) == (0, 1, 0)


def test_what_was_not_used_is_free_again(database: Database, budget: Budget) -> None:
    reserve(database, budget, "a", 0.7)
    assert settle(database, budget, "a", 0.2) == 0.2
    assert settle(database, budget, "a", 0.2) == 0.2
    assert figures(budget) == (0.2, 0, 0.8)


def test_what_attempts_used_adds_up(database: Database, budget: Budget) -> None:
    reserve(database, budget, "a", 0.5)
    with database.writing() as connection:
        assert budget.use(connection, "a", 0.2) == pytest.approx(0.3)
        assert budget.use(connection, "unknown", 0.2) == 0
    assert settle(database, budget, "a", 0.1) == pytest.approx(0.3)
    assert figures(budget) == pytest.approx((0.3, 0, 0.7))


def test_a_promise_is_extended_while_there_is_money(database: Database, budget: Budget) -> None:
    reserve(database, budget, "a", 0.5)
    with database.writing() as connection:
        budget.extend(connection, "a", 0.5)
    with pytest.raises(BudgetSpent), database.writing() as connection:
        budget.extend(connection, "a", 0.001)
    settle(database, budget, "a", 0.9)
    assert figures(budget) == pytest.approx((0.9, 0, 0.1))


def test_midnight_brings_new_money_and_yesterdays_jobs_stay_yesterdays(
    database: Database, budget: Budget, clock: Clock
) -> None:
    reserve(database, budget, "a", 1)
    assert budget.today().opens_at == MIDNIGHT
    clock.now = MIDNIGHT + 1
    assert figures(budget) == (0, 0, 1)
    settle(database, budget, "a", 0.9)
    assert figures(budget) == (0, 0, 1)
    assert budget.today().opens_at == MIDNIGHT + 86400
    clock.now = MIDNIGHT - 1
    assert figures(budget) == pytest.approx((0.9, 0, 0.1))


def test_a_day_may_have_23_hours(database: Database) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    sunday = datetime(2026, 3, 29, 1, tzinfo=berlin).timestamp()  # clocks go forward at two
    budget = Budget(database, 1.0, "Europe/Berlin", lambda: sunday)
    assert budget.today().opens_at == datetime(2026, 3, 30, tzinfo=berlin).timestamp() == sunday + 22 * 3600


def test_small_sums_are_exact(database: Database, budget: Budget) -> None:
    for number in range(10):
        reserve(database, budget, str(number), 0.1)
    with pytest.raises(BudgetSpent):
        reserve(database, budget, "one more", 1e-9)
    assert figures(budget) == (0, 1, 0)


def test_nothing_is_made_without_money(database: Database) -> None:
    with pytest.raises(BudgetSpent):
        reserve(database, Budget(database, 0.0), "a", 0.001)
    reserve(database, Budget(database, 0.0), "free", 0.0)


def test_jobs_that_ended_without_a_word_are_settled(database: Database, budget: Budget) -> None:
    queue = Queue(database)
    cancelled, waiting = queue.submit([Request(kind="picture", batch="b", payload={})] * 2)
    for job in (cancelled, waiting):
        reserve(database, budget, job, 0.4)
    with database.writing() as connection:
        budget.use(connection, cancelled, 0.1)
    queue.cancel(cancelled)
    assert budget.settle_ended() == 1
    assert budget.settle_ended() == 0
    assert figures(budget) == pytest.approx((0.1, 0.4, 0.5))
