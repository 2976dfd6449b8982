"""The simulation against queues whose waits are known (Kleinrock, Queueing Systems, vol. 1, 1975)."""

from math import factorial, log

import numpy as np
import pytest

from strikebox.site.capacity.answer import Interval, interval
from strikebox.site.capacity.scenario import DAY, Fleet, House, Kind, Scenario
from strikebox.site.capacity.simulation import Outcome, simulate
from strikebox.site.capacity.traffic import Visitors

SEED = 20261124
ENDLESS = 10**9
REPLICATIONS = 12


def queue(
    load: float, servers: int = 1, *, spread: float = 1.0, room: int = ENDLESS, batch: int = 1, **fleet: float
) -> list[Outcome]:
    """Replications of a queue whose server takes a second on average; `load` of each server."""
    scenario = Scenario(
        kinds=(Kind(name="k", fixed=0.0, each=1.0, spread=spread),),
        orders=Visitors(a_day=load * servers * DAY),
        fleet=Fleet(gpus=servers, **fleet),  # type: ignore[arg-type]
        house=House(batch=batch, queue=room, look=0.0),
        days=10_000 / DAY,
    )
    return [simulate(scenario, seed) for seed in np.random.SeedSequence(SEED).spawn(REPLICATIONS)]


def holds(found: Interval, true: float) -> bool:
    """Within the interval made half as wide again: some of many intervals miss."""
    half = 1.5 * (found.high - found.low) / 2
    return abs(found.mean - true) <= half and half < 0.2 * true


def mean_wait(outcomes: list[Outcome]) -> Interval:
    return interval([float(one.waits.mean()) for one in outcomes])


def erlang_c(servers: int, load: float) -> float:
    """Probability of waiting in M/M/c."""
    offered = servers * load
    busy = offered**servers / factorial(servers) / (1 - load)
    return busy / (sum(offered**k / factorial(k) for k in range(servers)) + busy)


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_one_exponential_server(load: float) -> None:
    """M/M/1: the time there is exponential with mean 1 / (1 - load)."""
    outcomes = queue(load)
    assert holds(mean_wait(outcomes), 1 / (1 - load))
    p95 = interval([float(np.quantile(one.waits, 0.95)) for one in outcomes])
    assert holds(p95, -log(0.05) / (1 - load))
    assert holds(interval([one.busy / one.rented for one in outcomes]), load)


@pytest.mark.parametrize(("servers", "load"), [(2, 0.7), (5, 0.85)])
def test_several_exponential_servers(servers: int, load: float) -> None:
    """M/M/c, Erlang's C."""
    true = 1 + erlang_c(servers, load) / (servers * (1 - load))
    assert holds(mean_wait(queue(load, servers)), true)


@pytest.mark.parametrize("load", [0.5, 0.8])
def test_one_server_of_constant_speed(load: float) -> None:
    """M/D/1: Pollaczek and Khinchine."""
    assert holds(mean_wait(queue(load, spread=0.0)), 1 + load / (2 * (1 - load)))


def test_a_line_with_little_room_refuses_as_it_must() -> None:
    """M/M/1/K: three wait and one is made, so K is 4."""
    load, room = 0.9, 4
    true = (1 - load) * load**room / (1 - load ** (room + 1))
    found = queue(load, room=room - 1)
    assert holds(interval([one.refused for one in found]), true)
    assert all(one.orders == len(one.waits) + one.queue_full for one in found)


def test_a_worker_that_dies_makes_less_by_the_time_that_it_is_away() -> None:
    """Exponential seconds forget how long a batch took, so only the time between lives is lost."""
    outcomes = queue(2.0, room=20, lives=300.0, restart=100.0, notice=0.0)
    made = interval([len(one.waits) / one.seconds for one in outcomes])
    assert holds(made, 300 / 400)
    assert holds(interval([one.busy / one.rented for one in outcomes]), 300 / 400)


def test_full_batches_are_as_many_as_the_seconds_allow() -> None:
    scenario = Scenario(
        kinds=(Kind(name="k", fixed=2.0, each=0.5),),
        orders=Visitors(a_day=10 * DAY),
        fleet=Fleet(gpus=3),
        house=House(batch=4),
        days=0.02,
    )
    outcome = simulate(scenario, np.random.SeedSequence(SEED))
    assert len(outcome.waits) / outcome.seconds == pytest.approx(3 * 4 / 4, rel=0.15)  # the line drains after
    assert outcome.busy == pytest.approx(outcome.rented, rel=0.001)
