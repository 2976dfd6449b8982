"""Votes, reports and takedowns, the hall, keys, workers: what people do, and what is written about it."""

import threading

import pytest
from opened import publish

from strikebox.errors import MissingPicture
from strikebox.jobs import Queue
from strikebox.site.context import Site


def test_a_vote_counts_once_until_it_is_withdrawn(site: Site) -> None:
    publish(site, "a")
    assert [site.votes.cast("a", "x"), site.votes.cast("a", "x"), site.votes.cast("a", "y")] == [1, 1, 2]
    assert site.votes.has("a", "x") and not site.votes.has("a", "z")
    assert [site.votes.withdraw("a", "x"), site.votes.withdraw("a", "x")] == [1, 1]
    found = site.pictures.find("a")
    assert found is not None and found.votes == site.votes.total() == 1


def test_votes_at_once_are_all_counted(site: Site) -> None:
    publish(site, "a")
    threads = [threading.Thread(target=site.votes.cast, args=("a", f"c{i % 10}")) for i in range(30)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = site.pictures.find("a")
    assert found is not None and found.votes == site.votes.total() == 10


def test_nobody_votes_for_what_is_not_shown(site: Site) -> None:
    publish(site, "a", state="withheld")
    for id in ("a", "absent", "' OR 1=1"):
        with pytest.raises(MissingPicture):
            site.votes.cast(id, "x")
    assert site.votes.total() == 0


def test_the_way_of_a_report(site: Site) -> None:
    publish(site, "a")
    first = site.reports.file("a", "x", "copied", "it is on my shelf")
    assert site.reports.file("a", "x", "other") == first
    second = site.reports.file("a", "y", "other", "z" * 9999)
    assert [(r.id, r.reason, len(r.text)) for r in site.reports.open()] == [
        (first, "copied", 17),
        (second, "other", 2000),
    ]
    assert site.reports.close(first, "me", "kept")
    assert not site.reports.close(first, "me", "kept")
    assert site.reports.count_open() == 1
    site.reports.take_down("a", "me", "it is a copy")
    assert site.reports.count_open() == 0
    assert [r.outcome for r in site.reports.of("a")] == ["kept", "taken down"]
    with pytest.raises(MissingPicture):
        site.reports.file("a", "z", "other")
    acts = [(e.act, e.target) for e in site.log.read()]
    assert acts == [("take down", "a"), ("close report", str(second)), ("close report", str(first))]


def test_what_is_taken_down_is_hidden_until_it_is_restored(site: Site) -> None:
    publish(site, "a", "red fox")
    site.reports.take_down("a", "me", "why")
    assert site.pictures.page().pictures == site.pictures.page(words="fox").pictures == []
    with pytest.raises(MissingPicture):
        site.reports.take_down("a", "me", "again")
    site.reports.restore("a", "me", "it was fine")
    assert [p.id for p in site.pictures.page(words="fox").pictures] == ["a"]
    with pytest.raises(MissingPicture):
        site.reports.restore("a", "me", "again")
    acts = site.log.read(target="a")
    assert [(e.who, e.act, e.why) for e in acts] == [
        ("me", "restore", "it was fine"),
        ("me", "take down", "why"),
    ]
    assert site.log.read(before=acts[0].id, target="a") == acts[1:]


def test_entering_the_hall_queues_one_enlargement(site: Site) -> None:
    publish(site, "a")
    site.hall.admit("a", "me")
    site.hall.admit("a", "me")
    site.hall.queue_missing()
    assert [p.id for p in site.pictures.page("hall").pictures] == ["a"]
    (job,) = site.queue.lease("w", most=9)
    assert (job.kind, job.payload) == ("enlargement", {"picture": "a"})
    site.hall.dismiss("a", "me")
    assert site.pictures.page("hall").pictures == []
    with pytest.raises(MissingPicture):
        site.hall.dismiss("a", "me")
    with pytest.raises(MissingPicture):
        site.hall.admit("absent", "me")


def test_an_enlargement_waits_for_money(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(site, "a")
    with site.database.writing() as connection:
        site.budget.reserve(connection, "all of it", site.budget.today().left)
    site.hall.admit("a", "me")
    assert Queue(site.database).count() == {}
    with site.database.writing() as connection:
        site.budget.settle(connection, "all of it")
    assert site.hall.queue_missing() == 1


def test_a_key_is_known_by_its_secret_alone(site: Site) -> None:
    secret = site.api_keys.create("a friend", per_day=5)
    key = site.api_keys.check(secret)
    assert key is not None and (key.name, key.per_day, key.revoked) == ("a friend", 5, None)
    for wrong in ("", secret[:-1], secret + "a", "\ud800", key.id):
        assert site.api_keys.check(wrong) is None
    assert site.api_keys.revoke(key.id) and not site.api_keys.revoke(key.id)
    assert site.api_keys.check(secret) is None
    assert [k.revoked is None for k in site.api_keys.all()] == [False]


def test_a_worker_is_there_while_it_beats(site: Site) -> None:
    site.workers.beat("w", "cpu", "toy", 0)
    site.workers.beat("w", "cpu", "toy", 3)
    (worker,) = site.workers.alive()
    assert (worker.name, worker.busy) == ("w", 3)
    assert worker.started <= worker.beat
    site.workers.leave("w")
    assert site.workers.alive() == []
