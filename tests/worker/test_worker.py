"""A worker in this process: what it publishes, what it withholds, and what it does when something fails."""

import io
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import sqlalchemy as sa
from PIL import Image
from toys import STYLE, SlowToy, found, open_toy_site, order, parts, until, work

from strikebox import api, files, png
from strikebox.errors import DeviceError, JobsError, ProvenanceError, StoreError
from strikebox.generation.backend import Pixels
from strikebox.jobs.schema import batches, jobs, previews
from strikebox.site.context import Site
from strikebox.site.moderation.picture import Finding
from strikebox.worker import publish
from strikebox.worker.loop import Worker


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    opened = open_toy_site(tmp_path / "site")
    yield opened
    opened.close()


def test_what_is_ordered_is_published_and_paid_for(site: Site) -> None:
    ids = order(site, "cat", "red fox", "owl")
    work(site, parts())
    assert [found(site, id).state for id in ids] == ["done"] * 3
    assert [p.subject for p in site.pictures.page(words="fox").pictures] == ["red fox"]
    picture = site.pictures.public(ids[0])
    assert picture.prompts == (site.recipe.passes[0].prompt.format(subject="cat", style=STYLE),)
    assert (picture.width, picture.height, picture.maker, picture.forwards) == (64, 64, "maker", 56)
    assert picture.seconds > 0 and picture.dollars == pytest.approx(picture.seconds * 0.1 / 3600, rel=0.01)
    today = site.budget.today()
    assert today.reserved == 0
    assert today.spent == pytest.approx(sum(site.pictures.public(id).dollars for id in ids))


def test_so_it_is_on_each_database(tmp_path: Path, address: str) -> None:
    site = open_toy_site(tmp_path / "site", storage={"folder": tmp_path / "site", "database": address})
    ids = order(site, "cat", "owl", "fox", "bear", "hare")
    site.orders.cancel(ids[3], "maker")
    work(site, parts(SlowToy(0.04)))
    assert [found(site, id).state for id in ids] == ["done"] * 3 + ["cancelled", "done"]
    assert site.pictures.counts() == {"public": 4}
    assert site.budget.today().reserved == 0 < site.budget.today().spent
    site.close()


def test_the_site_makes_the_picture_that_the_lab_makes(site: Site) -> None:
    (id,) = order(site, "cat", seed=7)
    backend = SlowToy()
    work(site, parts(backend))
    here = png.decode(site.media.read(site.pictures.public(id).file))
    lab = png.decode(api.generate("cat", "soft", 7, style=STYLE, backend=backend.toy).png)
    assert (here.pixels == lab.pixels).all()
    assert (here.parameters, here.strikebox) == (lab.parameters, lab.strikebox)
    with Image.open(io.BytesIO(site.media.read(site.pictures.public(id).thumbnail))) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("WEBP", (64, 64))


def test_orders_share_forwards(site: Site) -> None:
    order(site, "a", "b", "c", "d", "e")
    backend = SlowToy()
    work(site, parts(backend))
    assert {rows for rows, _ in backend.toy.batches} == {4, 1}
    with site.database.reading() as connection:
        measured = connection.execute(sa.select(batches.c.pictures).order_by(batches.c.id)).scalars()
        assert measured.all() == [4, 1]


def test_the_same_order_twice_is_rendered_once_and_published_twice(site: Site) -> None:
    first, second = order(site, "cat", "cat", seed=5)
    backend = SlowToy()
    work(site, parts(backend))
    assert backend.toy.decoded == 1
    assert site.pictures.public(first).file == site.pictures.public(second).file


def test_progress_and_previews_are_seen_while_it_is_made(site: Site) -> None:
    (id,) = order(site, "cat")
    seen: list[Any] = []

    def look() -> None:
        seen.append((site.progress.of(id), site.progress.preview(id)))

    work(site, parts(SlowToy(0.12, look)))
    steps = [progress.steps_done for progress, _ in seen]
    assert steps == sorted(steps) and len(set(steps)) > 3
    shown = [preview for _, preview in seen if preview is not None]
    assert len({preview.step for preview in shown}) >= 2
    with Image.open(io.BytesIO(shown[-1].webp)) as image:
        assert image.format == "WEBP"
    assert site.progress.preview(id) is None


def test_what_a_check_finds_is_withheld(site: Site) -> None:
    def check(pixels: Pixels) -> Finding | None:
        return Finding(code="leak", detail="training picture 12")

    (id,) = order(site, "cat")
    work(site, parts(check=check))
    assert site.pictures.page().pictures == []
    picture = site.pictures.find(id)
    assert picture is not None and (picture.state, picture.finding) == (
        "withheld",
        "leak: training picture 12",
    )
    job = found(site, id)
    assert job.state == "failed" and job.error is not None and "not published" in job.error
    assert site.budget.today().reserved == 0 < site.budget.today().spent
    site.reports.restore(id, "me", "it is not a copy")
    assert [p.id for p in site.pictures.page(words="cat").pictures] == [id]


def test_a_check_that_raises_publishes_nothing(site: Site) -> None:
    def check(pixels: Pixels) -> Finding | None:
        raise ZeroDivisionError

    (id,) = order(site, "cat")
    work(site, parts(check=check))
    picture = site.pictures.find(id)
    assert picture is not None and picture.state == "withheld"
    assert picture.finding is not None and picture.finding.startswith("unchecked: ZeroDivisionError")


def test_a_check_that_hangs_publishes_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publish, "CHECKED_WITHIN", 0.2)
    forever = threading.Event()

    def check(pixels: Pixels) -> Finding | None:
        forever.wait()

    (id,) = order(site, "cat")
    work(site, parts(check=check))
    picture = site.pictures.find(id)
    assert picture is not None and picture.state == "withheld"
    forever.set()


def test_what_cannot_be_sealed_is_not_published(site: Site) -> None:
    def seal(file: bytes, name: str) -> bytes:
        raise ProvenanceError("the certificate has expired; renew it")

    (id,) = order(site, "cat")
    work(site, parts(seal=seal))
    job = found(site, id)
    assert (job.state, job.attempt) == ("failed", 3)
    assert job.error is not None and "certificate" not in job.error
    assert site.pictures.counts() == {}
    assert site.budget.today().reserved == 0


def test_what_is_sealed_is_what_is_kept(site: Site) -> None:
    (id,) = order(site, "cat")
    work(site, parts(seal=lambda file, name: file + name.encode()))
    assert site.media.read(site.pictures.public(id).file).endswith(id.encode())


def test_one_that_is_cancelled_does_not_stop_the_others(site: Site) -> None:
    first, second = order(site, "cat", "owl")
    cancelled: list[bool] = []

    def cancel() -> None:
        if not cancelled:
            cancelled.append(site.orders.cancel(first, "maker"))

    work(site, parts(SlowToy(0.05, cancel)))
    assert (found(site, first).state, found(site, second).state) == ("cancelled", "done")
    assert site.pictures.find(first) is None
    assert site.budget.today().reserved == 0


def test_nothing_is_made_for_nobody(site: Site) -> None:
    (id,) = order(site, "cat")

    def cancel() -> None:
        site.queue.cancel(id)

    backend = SlowToy(0.1, cancel)
    work(site, parts(backend))
    assert backend.steps < 20
    assert site.pictures.counts() == {}


def test_a_batch_that_outgrows_the_budget_is_stopped(tmp_path: Path) -> None:
    budget = {"dollars_per_day": 0.0006, "dollars_per_hour": 1.0, "first_guess": 1.0}  # 2.2 seconds
    site = open_toy_site(tmp_path / "site", budget=budget)
    (id,) = order(site, "cat")
    backend = SlowToy(0.3)
    work(site, parts(backend))
    job, today = found(site, id), site.budget.today()
    assert job.state == "failed" and job.error is not None and "budget" in job.error
    assert backend.steps < 28
    assert today.spent <= today.limit and today.reserved == 0
    site.close()


def test_a_batch_that_takes_longer_than_promised_is_paid_from_what_is_left(tmp_path: Path) -> None:
    budget = {"dollars_per_day": 1.0, "dollars_per_hour": 1.0, "first_guess": 0.1}
    site = open_toy_site(tmp_path / "site", budget=budget)
    (id,) = order(site, "cat")
    work(site, parts(SlowToy(0.05)))
    assert found(site, id).state == "done"
    assert site.budget.today().spent > 1.0 / 3600
    site.close()


def test_a_poisoned_job_fails_alone(site: Site) -> None:
    good, bad, fine = order(site, "cat", "poison", "owl")

    class Poisoned(NamedTuple):
        site: Site

        def __call__(self) -> None:
            running = sa.select(jobs.c.id).where(jobs.c.state == "running")
            with self.site.database.reading() as connection:
                if bad in connection.execute(running).scalars().all():
                    raise RuntimeError("CPU_CAT: an illegal cat was encountered")

    work(site, parts(SlowToy(0.0, Poisoned(site))))
    assert [found(site, id).state for id in (good, bad, fine)] == ["done", "failed", "done"]
    job = found(site, bad)
    assert job.attempt == 3 and job.error is not None and "CPU_CAT" not in job.error
    assert site.budget.today().reserved == 0


def test_what_never_has_memory_is_tried_twice_and_each_time_the_process_ends(site: Site) -> None:
    ids = order(site, "cat", "owl")

    def greedy() -> None:
        raise MemoryError

    for _ in ("both", *ids):
        with pytest.raises(DeviceError, match="start the worker again"):
            work(site, parts(SlowToy(0.0, greedy)))
    assert [(found(site, id).state, found(site, id).attempt) for id in ids] == [("failed", 2)] * 2
    assert found(site, ids[0]).error == "went-wrong: no memory for 1 together"
    assert site.budget.today().reserved == 0


def test_a_full_disk_loses_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = order(site, "cat", "owl")
    write, failures = files.write, [0]

    def full(path: Path, data: bytes) -> None:
        if "media" in path.parts and failures[0] < 1:
            failures[0] += 1
            raise StoreError(f"cannot write {path}: the disk is full; make room and run again")
        write(path, data)

    monkeypatch.setattr(files, "write", full)
    work(site, parts())
    assert failures == [1]
    assert [found(site, id).state for id in ids] == ["done", "done"]
    assert [found(site, id).attempt for id in ids] == [1, 1]


def test_jobs_wait_while_the_disk_has_no_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (id,) = order(site, "cat")
    usage = type(shutil.disk_usage("/"))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10**9, 10**9, 1000))
    work(site, parts(), seconds=1.5)
    assert (found(site, id).state, found(site, id).attempt) == ("waiting", 0)


def test_a_database_that_fails_for_a_while_loses_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (id,) = order(site, "cat")
    finish, failures = site.queue.finish_in, [0]

    def failing(*arguments: Any) -> None:
        if failures[0] < 1:
            failures[0] += 1
            raise JobsError("cannot be written (disk I/O error)")
        finish(*arguments)

    monkeypatch.setattr(type(site.queue), "finish_in", lambda self, *a: failing(*a))
    work(site, parts())
    assert found(site, id).state == "done"


def test_a_signal_finishes_what_is_short_and_claims_nothing_more(site: Site) -> None:
    first = order(site, "a", "b", "c", "d")
    later: list[str] = []
    leave: list[Worker] = []

    def told() -> None:
        if not later:
            later.extend(order(site, "e"))
            leave[0].drain()

    leave.append(Worker(site, parts(SlowToy(0.01, told))))
    leave[0].run()
    assert [found(site, id).state for id in first] == ["done"] * 4
    assert found(site, later[0]).state == "waiting"
    assert site.workers.alive() == []


def test_a_signal_gives_back_what_is_long(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("strikebox.worker.loop.DRAIN", 0.5)
    (id,) = order(site, "cat")
    worker = Worker(site, parts(SlowToy(0.2)))
    thread = threading.Thread(target=worker.run)
    thread.start()
    until(lambda: found(site, id).state == "running")
    worker.drain()
    started = time.monotonic()
    thread.join()
    assert time.monotonic() - started < 3
    job = found(site, id)
    assert (job.state, job.attempt) == ("waiting", 0)
    with site.database.reading() as connection:
        assert connection.execute(sa.select(previews)).all() == []
    assert site.budget.today().reserved > 0


def test_a_picture_of_the_hall_is_enlarged_and_the_original_stays(site: Site) -> None:
    (id,) = order(site, "cat")
    doubled = parts(enlarge=lambda pixels: pixels.repeat(2, axis=0).repeat(2, axis=1))
    work(site, parts())
    before = site.pictures.public(id)
    site.hall.admit(id, "me")
    work(site, doubled)
    after = site.pictures.public(id)
    assert after.file == before.file and after.enlarged is not None
    large = png.decode(site.media.read(after.enlarged))
    assert large.pixels.shape == (128, 128, 3)
    assert large.strikebox == png.decode(site.media.read(after.file)).strikebox
    assert site.pictures.needed([after.file, after.enlarged]) == {after.file, after.enlarged}
    assert site.hall.queue_missing() == 0
    assert site.budget.today().reserved == 0


def test_recipes_that_are_served_no_more_are_still_made(site: Site, tmp_path: Path) -> None:
    (id,) = order(site, "cat")
    other = open_toy_site(tmp_path / "site", recipe={"name": "baseline"})
    work(other, parts())
    assert other.pictures.public(id).recipe == "soft"
    other.close()


def test_an_order_that_cannot_be_made_fails_alone(tmp_path: Path) -> None:
    site = open_toy_site(tmp_path / "site", model={"size": 100})
    (id,) = order(site, "cat")
    work(site, parts())
    job = found(site, id)
    assert job.state == "failed" and job.error is not None and "multiples of 16" in job.error
    assert site.budget.today().reserved == 0
    site.close()
