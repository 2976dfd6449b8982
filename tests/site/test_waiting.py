"""Estimates of waiting against a queue that is played through, and how progress is numbered."""

import numpy as np
import pytest
import sqlalchemy as sa
from opened import publish

from strikebox.jobs import Job
from strikebox.jobs.schema import estimates, jobs
from strikebox.site import retention
from strikebox.site.context import Site
from strikebox.site.progress import Preview, put_preview
from strikebox.site.waiting import Rate, fit


def order(site: Site, count: int) -> list[str]:
    return [site.orders.place("cat", "c", network="n").id for _ in range(count)]


def measured(site: Site, *batches: tuple[int, float]) -> None:
    with site.database.writing() as connection:
        for pictures, seconds in batches:
            site.waiting.measured_in(connection, "w", site.recipe.hash, pictures, seconds)


def found(site: Site, id: str) -> Job:
    job = site.queue.find(id)
    assert job is not None
    return job


def test_a_line_through_batches() -> None:
    sizes = [1, 2, 3, 4]
    rate = fit(sizes, [2 + 3 * k for k in sizes])
    assert rate is not None
    assert (rate.fixed, rate.each) == pytest.approx((2, 3))
    assert fit([], []) is None
    assert fit([4, 4], [8, 12]) == Rate(fixed=0, each=2.5)


def test_a_batch_that_was_held_up_says_little() -> None:
    sizes, seconds = [1, 1, 1, 4, 4, 4], [2.0, 2.0, 9.0, 5.0, 40.0, 5.0]
    assert fit(sizes, seconds) == Rate(fixed=1, each=1)


def test_a_line_never_goes_below_zero() -> None:
    for sizes, seconds in (([1, 4], [9, 3]), ([1, 4], [1, 16])):
        rate = fit(sizes, seconds)
        assert rate is not None and rate.fixed >= 0 and rate.each >= 0
        assert rate.fixed + rate.each * np.mean(sizes) == pytest.approx(np.mean(seconds))


def test_the_work_that_waits(site: Site) -> None:
    assert site.waiting.work(guess=7.0) == (0, 0.0)
    batch = site.settings.model.batch
    order(site, batch + 1)
    assert site.waiting.work(guess=7.0) == (batch + 1, 7.0 * (batch + 1))
    measured(site, *((k, 2.0 + 3.0 * k) for k in (1, 2, 3, 4)))
    jobs, seconds = site.waiting.work(guess=7.0)
    assert (jobs, seconds) == (batch + 1, pytest.approx(2 * 2.0 + 3.0 * (batch + 1)))


def test_nobody_knows_before_something_was_measured_or_while_no_worker_is_there(site: Site) -> None:
    (id,) = order(site, 1)
    assert site.waiting.estimate(found(site, id)).seconds is None
    measured(site, (1, 5.0))
    assert site.waiting.estimate(found(site, id)).seconds is None
    site.workers.beat("w", "cpu", "toy", 0)
    estimate = site.waiting.estimate(found(site, id))
    assert (estimate.ahead, estimate.seconds, estimate.error) == (0, 5, None)


def test_the_queue_is_played_through_in_batches(site: Site) -> None:
    measured(site, (1, 5.0), (4, 11.0))  # 3 + 2 k
    site.workers.beat("w", "cpu", "toy", 0)
    ids = order(site, 10)
    said = [site.waiting.estimate(found(site, id)).seconds for id in ids]
    assert said == pytest.approx([11] * 4 + [22] * 4 + [29] * 2)
    site.workers.beat("v", "cpu", "toy", 0)
    said = [site.waiting.estimate(found(site, id)).seconds for id in ids]
    assert said == pytest.approx([11] * 8 + [18] * 2)


def test_what_runs_is_judged_by_its_own_pace_the_longer_it_runs(site: Site) -> None:
    measured(site, (1, 5.0), (4, 11.0))
    site.workers.beat("w", "cpu", "toy", 0)
    first, *_, last = order(site, 5)
    leased = site.queue.lease("w", most=4)
    with site.database.writing() as connection:
        connection.execute(
            sa.update(jobs).where(jobs.c.state == "running").values(started=jobs.c.started - 30)
        )
    site.queue.renew(leased, steps_done=14, steps=28)
    estimate = site.waiting.estimate(found(site, first))
    assert estimate.ahead is None
    assert estimate.seconds == pytest.approx((60 + 11) / 2 - 30, abs=2)  # half its pace, half the rate
    waiting = site.waiting.estimate(found(site, last))
    assert (waiting.ahead, waiting.seconds) == (0, pytest.approx(5.5 + 5, abs=2))
    site.queue.renew(leased, steps_done=28, steps=28)
    assert site.waiting.estimate(found(site, first)).seconds == 0


def test_without_a_rate_its_own_pace_is_all_there_is(site: Site) -> None:
    site.workers.beat("w", "cpu", "toy", 0)
    (id,) = order(site, 1)
    leased = site.queue.lease("w")
    with site.database.writing() as connection:
        connection.execute(sa.update(jobs).values(started=jobs.c.started - 30))
    site.queue.renew(leased, steps_done=2, steps=28)
    assert site.waiting.estimate(found(site, id)).seconds is None
    site.queue.renew(leased, steps_done=7, steps=28)
    assert site.waiting.estimate(found(site, id)).seconds == pytest.approx(90, abs=2)


def test_past_estimates_say_how_wrong_this_one_may_be(site: Site) -> None:
    measured(site, (1, 5.0))
    site.workers.beat("w", "cpu", "toy", 0)
    for id in order(site, 10):
        with site.database.writing() as connection:
            connection.execute(sa.update(estimates).values(seconds=5.0, created=estimates.c.created))
            site.waiting.kept_in(connection, id)
    with site.database.writing() as connection:
        connection.execute(sa.update(estimates).values(actual=7.0))
    (id,) = order(site, 1)
    assert site.waiting.estimate(found(site, id)).error == pytest.approx(2)
    assert site.waiting.errors()[0] == (5.0, 7.0)


def test_each_change_of_a_job_has_a_higher_number(site: Site) -> None:
    site.workers.beat("w", "cpu", "toy", 0)
    first, id = order(site, 2)
    seen: list[tuple[int, object]] = []

    def look() -> None:
        progress = site.progress.of(id)
        assert progress is not None and progress.version == site.progress.version(id)
        seen.append((progress.version, (progress.state, progress.steps_done, progress.preview_step)))

    look()
    assert [job.id for job in site.queue.lease("w")] == [first]
    look()
    (job,) = site.queue.lease("w")
    look()
    site.queue.renew([job], 1, 28)
    look()
    with site.database.writing() as connection:
        site.queue.renew_in(connection, job, 2, 28)
        put_preview(connection, id, Preview(2, b"webp"))
    look()
    site.queue.release([job])
    look()
    (job,) = site.queue.lease("w")
    site.queue.finish(job, {"picture": id})
    look()
    assert [version for version, _ in seen] == sorted({version for version, _ in seen})
    assert [what for _, what in seen[2:5]] == [("running", 0, None), ("running", 1, None), ("running", 2, 2)]
    assert site.progress.preview(id) == Preview(2, b"webp")
    last = site.progress.of(id)
    assert last is not None and last.is_final and last.picture == id
    assert site.progress.of("unknown") is site.progress.version("unknown") is None


def test_old_orders_are_forgotten_and_pictures_are_not(site: Site) -> None:
    publish(site, "a")
    (id,) = order(site, 1)
    (job,) = site.queue.lease("w")
    site.queue.finish(job, {})
    retention.keep(site)
    assert site.queue.find(id) is not None
    with site.database.writing() as connection:
        connection.execute(sa.update(jobs).values(finished=jobs.c.finished - 31 * 86400))
    retention.keep(site)
    assert site.queue.find(id) is None
    assert site.pictures.find("a") is not None
