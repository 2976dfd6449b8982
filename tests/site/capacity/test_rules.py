"""The simulation keeps the site's own rules: order, batches, budget, second attempts, scaling."""

from dataclasses import replace

import numpy as np
import pytest

from strikebox.errors import SettingsError
from strikebox.site.capacity.answer import Goal, ask, hopeless, runner, search, smallest
from strikebox.site.capacity.line import Line, Order, Purse
from strikebox.site.capacity.scenario import DAY, Fleet, House, Kind, Scenario
from strikebox.site.capacity.simulation import Outcome, simulate
from strikebox.site.capacity.traffic import Arrivals, Orders, Visitors

KIND = Kind(name="soft", fixed=2.0, each=1.0)
SEED = np.random.SeedSequence(7)


def scenario(**changes: object) -> Scenario:
    known = {"kinds": (KIND,), "orders": Visitors(a_day=20_000), "fleet": Fleet(gpus=2), "days": 0.2}
    return Scenario(**{**known, **changes})  # type: ignore[arg-type]


def at(*times: float, kinds: tuple[int, ...] = (), seconds: float = 1000.0) -> Orders:
    chosen = np.array(kinds or [0] * len(times))
    return Orders(Arrivals(np.array(times, float), chosen), seconds)


def run(orders: Orders, **changes: object) -> Outcome:
    house = House(look=0.0)
    return simulate(scenario(**{"orders": orders, "fleet": Fleet(gpus=1), "house": house, **changes}), SEED)


def order(number: int, kind: int = 0, attempt: int = 0) -> Order:
    return Order(number, kind, 0.0, 0, attempt=attempt)


def test_the_oldest_is_next_with_others_of_its_kind() -> None:
    line = Line(kinds=2, batch=3)
    for number, kind in enumerate([1, 0, 1, 0, 1, 1]):
        line.put(order(number, kind))
    assert [one.number for one in line.lease()] == [0, 2, 4]
    assert [one.number for one in line.lease()] == [1, 3]
    assert [one.number for one in line.lease()] == [5]
    assert line.lease() == [] and line.fresh == 0


def test_what_was_tried_before_is_tried_alone() -> None:
    line = Line(kinds=1, batch=4)
    for one in (order(0), order(1, attempt=1), order(2)):
        line.put(one)
    assert [one.number for one in line.lease()] == [0, 2]
    assert [(one.number, one.attempt) for one in line.lease()] == [(1, 2)]


def test_batches_form_while_a_worker_is_busy() -> None:
    outcome = run(at(0.0, 1.0, 1.5, 2.0))
    assert outcome.waits.tolist() == [3.0, 7.0, 6.5, 6.0]  # 3 s for the first, then 5 s for three
    assert (outcome.busy, outcome.rented, outcome.ended) == (8.0, 1000.0, 1000.0)


def test_measured_slowness_comes_in_its_order_from_a_place_that_the_dice_choose() -> None:
    kind = Kind(name="k", fixed=10.0, each=0.0, factors=(1.0, 2.0, 3.0))
    orders = at(*[100.0 * n for n in range(6)])
    starts = {tuple(run(orders, kinds=(kind,)).waits)}
    for seed in range(20):
        once = simulate(
            scenario(kinds=(kind,), orders=orders, fleet=Fleet(gpus=1), house=House(look=0.0)),
            np.random.SeedSequence(seed),
        )
        starts.add(tuple(once.waits))
    walked = [10.0, 20.0, 30.0]
    assert starts == {tuple((walked[n:] + walked[:n]) * 2) for n in range(3)}


def test_kinds_are_not_mixed() -> None:
    outcome = run(at(0.0, 1.0, 1.5, kinds=(0, 1, 0)), kinds=(KIND, replace(KIND, name="other")))
    assert outcome.waits.tolist() == [3.0, 5.0, 7.5]


def test_an_idle_worker_looks_now_and_then() -> None:
    times = [100.0 * n for n in range(2000)]
    outcome = run(at(*times, seconds=200_000.0), house=House(look=0.2))
    assert outcome.waits.min() >= 3.0 and outcome.waits.max() <= 3.2
    assert outcome.waits.mean() == pytest.approx(3.1, abs=0.01)


def test_a_full_line_refuses() -> None:
    outcome = run(at(0.0, *[1.0] * 5), house=House(queue=3, look=0.0))
    assert (outcome.queue_full, len(outcome.waits), outcome.refused) == (2, 4, pytest.approx(1 / 3))


def test_money_is_promised_by_the_slowest_lately_and_settled_by_what_it_took() -> None:
    asked = scenario(
        house=House(dollars_per_day=0.01, first_guess=6.0), fleet=Fleet(gpus=1, dollars_per_hour=3.6)
    )
    purse = Purse(asked)
    first, second, third = order(0), order(1), order(2)
    assert purse.promise(first) and first.promised == pytest.approx(0.006)
    assert not purse.promise(second)
    purse.used(first, 3.0)
    purse.settle(first, 3.0)
    assert purse.promise(second) and second.promised == pytest.approx(0.0045)
    assert not purse.promise(third)
    assert purse.promise(Order(3, 0, 0.0, day=1))


def test_the_day_closes_when_its_money_is_spent_and_the_next_one_opens() -> None:
    house = House(dollars_per_day=1.0)
    outcome = simulate(scenario(house=house, fleet=Fleet(gpus=2, dollars_per_hour=0.5), days=2.0), SEED)
    spent = outcome.busy / 3600 * 0.5
    assert outcome.no_money > 0 and 1.9 < spent < 2.1


def test_who_dies_loses_its_batch_and_the_third_attempt_is_the_last() -> None:
    deadly = Fleet(gpus=1, lives=1.0, restart=0.0, notice=10.0)
    slow = (Kind(name="slow", fixed=100.0, each=0.0),)
    outcome = run(at(0.0, 0.0), kinds=slow, fleet=deadly)
    assert (outcome.failed, len(outcome.waits)) == (2, 0)
    assert outcome.ended >= 30


def test_idle_workers_that_die_are_not_waited_for() -> None:
    fleet = Fleet(gpus=3, lives=200.0, restart=20.0, notice=5.0)
    outcome = simulate(scenario(fleet=fleet), SEED)
    assert outcome.orders == len(outcome.waits) + outcome.failed + outcome.queue_full
    assert np.median(outcome.waits) < 10


def test_more_gpus_are_rented_while_the_line_is_long_and_given_back() -> None:
    busy = Visitors(a_day=40_000, peak=2.0)
    fixed = simulate(scenario(orders=busy, fleet=Fleet(gpus=6), days=1.0), SEED)
    scaled = simulate(scenario(orders=busy, fleet=Fleet(gpus=6, least=0, start=30.0), days=1.0), SEED)
    assert scaled.orders == fixed.orders == len(scaled.waits)  # the same dice, and nobody is refused
    assert 0.1 * fixed.rented < scaled.rented < 0.7 * fixed.rented
    assert np.quantile(scaled.waits, 0.95) > np.quantile(fixed.waits, 0.95)


def test_visitors_come_as_often_as_they_are_said_to() -> None:
    dice = np.random.default_rng(3)
    people = Visitors(a_day=50_000, orders=1.5, peak=2.0, crowds=4, crowd=500)
    draws = [people.draw(0.0, DAY, (0.25, 0.75), dice) for _ in range(20)]
    mean = np.mean([len(one.times) for one in draws])
    assert mean == pytest.approx(52_000 * 1.5, rel=0.02)
    assert np.mean([one.kinds.mean() for one in draws]) == pytest.approx(0.75, abs=0.01)
    assert all((np.diff(one.times) >= 0).all() for one in draws)
    calm = [Visitors(a_day=50_000, peak=2.0).draw(0.0, DAY, (1.0,), dice).times for _ in range(5)]
    noon = np.mean([((one > 0.45 * DAY) & (one < 0.55 * DAY)).sum() for one in calm])
    assert noon == pytest.approx(2 * 5000, rel=0.05)


def test_the_smallest_number_is_found_and_the_one_below_was_tried() -> None:
    goal = Goal(wait_p95=20.0, refused=0.01)
    with runner(4, 1, processes=1) as simulations:
        asked = scenario(orders=Visitors(a_day=150_000))
        answers = list(search(asked, goal, 32, simulations))
        enough = smallest(answers, goal)
        assert enough is not None
        tried = {one.gpus: one.meets(goal) for one in answers}
        assert not tried[enough.gpus - 1]
        again = ask(asked, enough.gpus, simulations)
    assert again == enough, "the same dice, the same answer"


@pytest.mark.parametrize(
    ("changes", "wait"),
    [({}, 1.0), ({"house": House(dollars_per_day=0.1), "fleet": Fleet(gpus=1, dollars_per_hour=1.0)}, 60.0)],
)
def test_where_no_number_would_do_the_search_ends(changes: dict[str, object], wait: float) -> None:
    goal = Goal(wait_p95=wait, refused=0.01)
    with runner(2, 1, processes=1) as simulations:
        (answer,) = search(scenario(**changes), goal, 32, simulations)
    assert smallest([answer], goal) is None and hopeless(scenario(**changes), answer, goal)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Kind(name="k", fixed=-1.0, each=1.0), "k: fixed: is -1; it is 0 or more"),
        (lambda: Kind(name="k", fixed=0.0, each=0.0), "takes no time"),
        (lambda: Kind(name="k", fixed=float("nan"), each=0.0), "is nan"),
        (lambda: Visitors(a_day=1, peak=2.5), "peak: is 2.5"),
        (lambda: Visitors(a_day=-1), "a_day is -1"),
        (lambda: Fleet(gpus=0), "GPUs: is 0"),
        (lambda: Fleet(gpus=1, least=2), "lies between 0 and 1"),
        (lambda: Fleet(gpus=1, lives=0.0), "1 s or more"),
        (lambda: House(batch=0), "batch: is 0"),
        (lambda: scenario(days=0.0), "days: is 0"),
        (lambda: Goal(wait_p95=1.0, refused=1.5), "--refused: is 1.5"),
        (lambda: simulate(scenario(orders=Visitors(a_day=1e12)), SEED), "too many to simulate"),
    ],
)
def test_what_cannot_be_is_said(make: object, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        make()  # type: ignore[operator]
