"""Orders: all in one transaction or nothing, within limits, and the same order once under one key."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from opened import settings_in

from strikebox.errors import BudgetSpent, KeyReused, PromptRefused, QueueFull, TooMany
from strikebox.jobs.schema import days, jobs, order_keys, orders, reservations
from strikebox.site.context import Site, open_site
from strikebox.site.orders import Ticket


@pytest.fixture
def limited(tmp_path: Path, address: str) -> Iterator[Site]:
    """A site with little room."""
    limits = {"burst": 3, "per_day": 5, "network_per_day": 8, "queue": 10}
    site = open_site(settings_in(tmp_path, address, limits=limits))
    yield site
    site.close()


def place(
    site: Site, subject: str = "cat", client: str = "c", network: str = "n", **others: object
) -> Ticket:
    return site.orders.place(subject, client, network=network, **others)  # type: ignore[arg-type]


def rows(site: Site) -> list[int]:
    """Rows of every table that an order writes to."""
    tables = (jobs, orders, order_keys, reservations)
    with site.database.reading() as connection:
        return [
            int(connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one())
            for table in tables
        ]


def older(site: Site, seconds: float) -> None:
    """Let time pass for the orders that there are."""
    with site.database.writing() as connection:
        connection.execute(sa.update(orders).values(created=orders.c.created - seconds))


def test_an_order_is_a_job_with_its_recipe_and_money(site: Site) -> None:
    ticket = place(site, " кот ", seed=7)
    job = site.queue.find(ticket.id)
    assert job is not None
    assert (job.kind, job.batch, job.client) == ("picture", site.recipe.hash, "c")
    assert job.payload == {"subject": "кот", "seed": 7}
    assert site.budget.today().reserved == pytest.approx(30 * 0.10 / 3600)
    assert not ticket.repeated


def test_seeds_are_drawn_unless_given(site: Site) -> None:
    found = [site.queue.find(place(site).id) for _ in range(4)]
    seeds = {job.payload["seed"] for job in found if job is not None}
    assert len(seeds) == 4


@pytest.mark.parametrize(
    ("subject", "seed"), [("", 1), (" ", 1), ("c" * 201, 1), ("c\u202eat", 1), ("a\x00b", 1), ("cat", -1)]
)
def test_what_cannot_be_drawn_leaves_nothing_behind(site: Site, subject: str, seed: int) -> None:
    with pytest.raises(PromptRefused):
        place(site, subject, seed=seed, key="k")
    assert rows(site) == [0, 0, 0, 0]


def test_what_the_rules_refuse_is_said_in_both_languages(site: Site) -> None:
    with pytest.raises(PromptRefused) as refused:
        place(site, "porn")
    assert refused.value.reason("en") == str(refused.value) != refused.value.reason("ru")
    assert rows(site) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    "subject", ["<script>alert(1)</script>", "{{7*7}}", "'; DROP TABLE jobs; --", "{style}"]
)
def test_markup_and_code_are_words_like_others(site: Site, subject: str) -> None:
    job = site.queue.find(place(site, subject).id)
    assert job is not None and job.payload["subject"] == subject


def test_limits_of_a_client_and_of_its_network(limited: Site) -> None:
    for _ in range(3):
        place(limited)
    with pytest.raises(TooMany, match="At most 3 pictures in a minute for you") as refused:
        place(limited)
    assert 55 < refused.value.retry_after <= 60
    older(limited, 61)
    for _ in range(2):
        place(limited)
    with pytest.raises(TooMany, match="At most 5 pictures in 24 hours for you") as refused:
        place(limited)
    assert 86000 < refused.value.retry_after < 86400
    for _ in range(3):
        place(limited, client="other")
    with pytest.raises(TooMany, match="At most 8 pictures in 24 hours for your network"):
        place(limited, client="third")
    place(limited, client="third", network="elsewhere")
    older(limited, 86401)
    place(limited)


def test_a_key_of_a_friend_brings_its_own_quota(limited: Site) -> None:
    place(limited, client="key:1", per_day=1)
    with pytest.raises(TooMany, match="At most 1 pictures"):
        place(limited, client="key:1", per_day=1)
    with pytest.raises(TooMany, match="takes no orders"):
        place(limited, client="key:2", per_day=0)


def test_a_full_queue_takes_no_more(limited: Site) -> None:
    for number in range(10):
        place(limited, client=str(number), network=str(number))
    before = rows(limited)
    with pytest.raises(QueueFull) as refused:
        place(limited, client="late", network="late", key="k")
    assert refused.value.retry_after > 0
    assert rows(limited) == before
    limited.queue.lease("w")
    place(limited, client="late", network="late", key="k")


def test_a_spent_budget_leaves_nothing_behind(tmp_path: Path, address: str) -> None:
    site = open_site(settings_in(tmp_path, address, budget={"dollars_per_day": 0.0001}))
    with pytest.raises(BudgetSpent):
        place(site, key="k")
    assert rows(site) == [0, 0, 0, 0]
    with site.database.reading() as connection:
        assert connection.execute(sa.select(days)).all() == []
    site.close()


def test_a_key_orders_once(site: Site) -> None:
    first = place(site, key="k", body_digest="d")
    assert place(site, key="k", body_digest="d") == Ticket(first.id, repeated=True)
    with pytest.raises(KeyReused):
        place(site, key="k", body_digest="other")
    assert place(site, client="other", key="k", body_digest="other").id != first.id
    assert rows(site) == [2, 2, 2, 2]


def test_a_repeated_order_counts_against_no_limit(limited: Site) -> None:
    tickets = {place(limited, key="k", body_digest="d").id for _ in range(20)}
    assert len(tickets) == 1


def test_a_key_that_comes_many_times_at_once_orders_once(site: Site) -> None:
    tickets: list[Ticket] = []
    threads = [
        threading.Thread(target=lambda: tickets.append(place(site, key="k", body_digest="d")))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({ticket.id for ticket in tickets}) == 1
    assert sorted(ticket.repeated for ticket in tickets) == [False] + [True] * 19


def test_limits_hold_when_many_come_at_once(limited: Site) -> None:
    refused: list[TooMany] = []

    def order() -> None:
        try:
            place(limited)
        except TooMany as error:
            refused.append(error)

    threads = [threading.Thread(target=order) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 9
    assert limited.queue.count() == {"waiting": 3}


def test_who_ordered_it_may_cancel_it_and_the_money_is_free(site: Site) -> None:
    ticket = place(site)
    assert not site.orders.cancel(ticket.id, "other")
    assert site.orders.cancel(ticket.id, "c")
    assert not site.orders.cancel(ticket.id, "c")
    assert site.budget.today().reserved == 0
