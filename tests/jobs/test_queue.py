"""The queue on real databases: order, leases, fences, death of workers, many processes at once."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable

import pytest

from strikebox.errors import LeaseLost
from strikebox.jobs import Database, Job, Queue, Request


def request(subject: str = "cat", batch: str = "a", **others: object) -> Request:
    fields: dict[str, object] = {"kind": "picture", "batch": batch, "payload": {"subject": subject}}
    return Request(**{**fields, **others})  # type: ignore[arg-type]


@pytest.fixture
def queue(database: Database) -> Queue:
    return Queue(database)


@pytest.fixture
def hasty(database: Database) -> Queue:
    """Leases run out at once."""
    return Queue(database, lease=-1.0)


def subjects(leased: list[Job]) -> list[object]:
    return [job.payload["subject"] for job in leased]


def test_first_come_first_served(queue: Queue) -> None:
    ids = queue.submit([request(str(i)) for i in range(5)])
    assert ids == sorted(ids)
    assert [queue.ahead(id) for id in ids] == [0, 1, 2, 3, 4]
    assert [subjects(queue.lease("w"))[0] for _ in range(5)] == ["0", "1", "2", "3", "4"]
    assert queue.lease("w") == []
    assert queue.ahead(ids[0]) is None


def test_the_urgent_come_before(queue: Queue) -> None:
    queue.submit([request("slow"), request("quick", urgency=1)])
    assert subjects(queue.lease("w")) == ["quick"]


def test_a_batch_is_of_one_kind_and_recipe_and_keeps_its_order(queue: Queue) -> None:
    queue.submit(
        [request("1"), request("2", "b"), request("3"), request("4", kind="enlargement"), request("5")]
    )
    assert subjects(queue.lease("w", most=2)) == ["1", "3"]
    assert subjects(queue.lease("w", most=8)) == ["2"]
    assert subjects(queue.lease("w", most=8, kinds=["enlargement"])) == ["4"]
    assert subjects(queue.lease("w", most=8)) == ["5"]


def test_the_way_of_a_job(queue: Queue) -> None:
    (id,) = queue.submit([request(client="somebody")])
    waiting = queue.find(id)
    assert waiting is not None and (waiting.state, waiting.attempt, waiting.fence) == ("waiting", 0, 0)
    (job,) = queue.lease("w")
    assert (job.state, job.attempt, job.worker, job.id) == ("running", 1, "w", id)
    queue.renew([job], steps_done=3, steps=28)
    renewed = queue.find(id)
    assert renewed is not None and (renewed.steps_done, renewed.steps) == (3, 28)
    assert renewed.leased_until is not None and renewed.leased_until > time.time() + 15
    queue.finish(job, {"picture": "abc"})
    done = queue.find(id)
    assert done is not None and done.is_final
    assert (done.state, done.result, done.leased_until) == ("done", {"picture": "abc"}, None)
    assert queue.count() == {"done": 1}
    assert queue.count("nobody") == {}


def test_finishing_twice_is_finishing_once(queue: Queue) -> None:
    queue.submit([request()])
    (job,) = queue.lease("w")
    queue.finish(job, {"picture": "first"})
    queue.finish(job, {"picture": "second"})
    found = queue.find(job.id)
    assert found is not None and found.result == {"picture": "first"}


def test_who_comes_back_with_an_old_lease_is_refused(queue: Queue, hasty: Queue) -> None:
    queue.submit([request()])
    (late,) = hasty.lease("late")
    (now,) = queue.lease("now")
    assert (now.id, now.attempt) == (late.id, 2)
    assert now.fence > late.fence
    for change in (
        lambda: queue.renew([late]),
        lambda: queue.finish(late, {}),
        lambda: queue.fail(late, "no"),
        lambda: queue.fail(late, "no", retry=True),
    ):
        with pytest.raises(LeaseLost, match="not late's any more"):
            change()
    queue.finish(now, {"by": "now"})


def test_a_renewal_keeps_all_or_none(queue: Queue, hasty: Queue) -> None:
    queue.submit([request("1"), request("2")])
    leased = hasty.lease("w", most=2)
    (other,) = queue.lease("other")
    with pytest.raises(LeaseLost):
        queue.renew(leased, steps_done=9, steps=9)
    kept = queue.find(next(job.id for job in leased if job.id != other.id))
    assert kept is not None and kept.steps_done == 0


def test_a_job_that_kills_its_workers_fails_in_the_end(hasty: Queue) -> None:
    (id,) = hasty.submit([request()])
    assert [hasty.lease(str(i))[0].attempt for i in range(3)] == [1, 2, 3]
    assert hasty.lease("another") == []
    failed = hasty.find(id)
    assert failed is not None and failed.state == "failed"
    assert failed.error is not None and "tried 3 times" in failed.error


def test_a_failure_may_be_tried_again_but_not_for_ever(queue: Queue) -> None:
    (id,) = queue.submit([request()])
    for _ in range(3):
        (job,) = queue.lease("w")
        queue.fail(job, "the card ran out of memory", retry=True)
    found = queue.find(id)
    assert found is not None
    assert (found.state, found.error) == ("failed", "the card ran out of memory")


def test_what_is_cancelled_is_not_leased_and_its_worker_is_told(queue: Queue) -> None:
    waiting, running = queue.submit([request("waiting"), request("running", urgency=1)])
    (job,) = queue.lease("w")
    assert queue.cancel(waiting) and queue.cancel(running)
    assert not queue.cancel(running)
    assert not queue.cancel("0" * 32)
    assert queue.lease("w") == []
    with pytest.raises(LeaseLost):
        queue.renew([job])


def test_no_job_is_found_by_an_unknown_id(queue: Queue) -> None:
    assert queue.find("' OR 1=1 --") is None
    assert queue.submit([]) == []


WORKER = """
import sys, time
from strikebox.errors import LeaseLost
from strikebox.jobs import Database, Queue
queue = Queue(Database(sys.argv[1]), lease=float(sys.argv[3]))
while True:
    leased = queue.lease(sys.argv[2], most=3)
    if not leased and not {"waiting", "running"} & queue.count().keys():
        break
    for job in leased:
        time.sleep(0.002)
        print(job.id, job.fence, flush=True)
        try:
            queue.finish(job, {"fence": job.fence})
        except LeaseLost:
            pass
    if not leased:
        time.sleep(0.05)
"""


def start(address: str, name: str, lease: float) -> "subprocess.Popen[str]":
    words = [sys.executable, "-c", WORKER, address, name, str(lease)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env={**os.environ, "COLUMNS": "200"})


def test_many_processes_do_each_job_once(address: str, open_database: Callable[[], Database]) -> None:
    queue = Queue(open_database())
    ids = queue.submit([request(str(i), batch=str(i % 7)) for i in range(200)])
    workers = [start(address, f"w{i}", lease=60) for i in range(4)]
    seen = Counter(
        line.split()[0] for worker in workers for line in worker.communicate(timeout=60)[0].splitlines()
    )
    assert all(worker.returncode == 0 for worker in workers)
    assert seen == dict.fromkeys(ids, 1)
    assert queue.count() == {"done": 200}


def test_nothing_is_lost_when_workers_are_killed(address: str, open_database: Callable[[], Database]) -> None:
    queue = Queue(open_database())
    queue.submit([request(str(i)) for i in range(120)])
    for round_ in range(6):
        worker = start(address, f"doomed{round_}", lease=1)
        time.sleep(1.2)
        worker.send_signal(signal.SIGKILL)
        worker.communicate()
    last = start(address, "last", lease=1)
    last.communicate(timeout=60)
    counted = queue.count()
    assert counted == {"done": 120}
