"""Pages of pictures: complete, in order, searchable, and safe from made-up cursors."""

import time
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from opened import publish, settings_in
from sqlalchemy import event

from strikebox.errors import CursorError, MissingPicture
from strikebox.site.context import Site, open_site
from strikebox.site.pictures import Picture, Sort


def walked(site: Site, sort: Sort = "newest", words: str = "", most: int = 3) -> list[Picture]:
    """All pages, one after the other."""
    found: list[Picture] = []
    after: str | None = None
    while True:
        page = site.pictures.page(sort, words, after, most)
        found += page.pictures
        if (after := page.after) is None:
            return found
        assert len(page.pictures) == most


def test_what_is_published_is_found_as_it_was(site: Site) -> None:
    made = publish(site, "a", "Рыжий кот, \U0001f98a", votes=0)
    assert made.subject == "Рыжий кот, \U0001f98a"
    assert made.prompts == ("Рыжий кот, \U0001f98a",)
    assert abs(made.created - time.time()) < 60
    assert "[[pass]]" in made.toml
    assert site.pictures.find("b") is None


def test_pages_lead_through_all_pictures_once_newest_first(site: Site) -> None:
    now = time.time()
    for number in range(11):
        publish(site, f"{number:02}", created=now - 60 * (number // 2))  # pairs of the same moment
    ids = [picture.id for picture in walked(site)]
    assert ids == ["01", "00", "03", "02", "05", "04", "07", "06", "09", "08", "10"]


def test_what_is_published_meanwhile_moves_no_page(site: Site) -> None:
    now = time.time()
    for number in range(6):
        publish(site, f"{number}", created=now - number)
    first = site.pictures.page(most=3)
    publish(site, "new", created=now + 5)
    second = site.pictures.page(after=first.after, most=3)
    assert [p.id for p in (*first.pictures, *second.pictures)] == list("012345")


def test_the_best_are_those_of_their_time(site: Site) -> None:
    now, day = time.time(), 86400
    for id, votes, age in (("a", 1, 1), ("b", 5, 1), ("c", 9, 10), ("d", 20, 40), ("e", 5, 2)):
        publish(site, id, votes=votes, created=now - age * day)
    assert [p.id for p in walked(site, "week", most=2)] == ["b", "e", "a"]
    assert [p.id for p in walked(site, "month", most=2)] == ["c", "b", "e", "a"]
    assert [p.id for p in walked(site, "ever", most=2)] == ["d", "c", "b", "e", "a"]


def test_all_words_must_begin_words_of_the_subject(site: Site) -> None:
    for id, subject in (("a", "A red CAT"), ("b", "red caterpillar"), ("c", "Рыжий кот"), ("d", "Ёж")):
        publish(site, id, subject)

    def found(words: str) -> set[str]:
        return {picture.id for picture in walked(site, words=words)}

    assert found("cat") == {"a", "b"}
    assert found("cat red") == {"a", "b"}
    assert found("cater") == {"b"}
    assert found("КО") == {"c"}
    assert found("еж") == found("ёж") == {"d"}
    assert found("ed") == found("cat кот") == set()
    assert found("  ") == found("!?") == {"a", "b", "c", "d"}
    assert found("c%' OR 1=1 --") == found("_at") == set()
    assert found("cat " * 500) == {"a", "b"}


@pytest.mark.parametrize("sort", ["newest", "week", "month", "ever", "hall"])
@pytest.mark.parametrize(
    ("words", "led_by"), [("zeppelin", "words"), ("zeppelin owl", "words"), ("", "state")]
)
def test_a_page_of_pictures_is_found_by_an_index(tmp_path: Path, sort: Sort, words: str, led_by: str) -> None:
    """By the words where they are rare, else along the order that is asked for: none reads all pictures."""
    site = open_site(settings_in(tmp_path))
    plans: list[str] = []

    def explain(connection: sa.Connection, cursor: Any, statement: str, values: Any, *_: object) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", values)
        plans.append(" / ".join(str(step[3]) for step in cursor.fetchall()))

    event.listen(sa.Engine, "before_cursor_execute", explain)
    try:
        site.pictures.page(sort, words)
    finally:
        event.remove(sa.Engine, "before_cursor_execute", explain)
        site.close()
    (plan,) = (plan for plan in plans if "SEARCH pictures" in plan)
    assert "SCAN" not in plan
    assert ("ix_pictures_state" in plan) == (led_by == "state"), plan
    assert ("ORDER BY" in plan) == (led_by == "words"), "few are sorted, many are walked in their order"


def test_only_public_pictures_are_on_pages(site: Site) -> None:
    publish(site, "a")
    publish(site, "b", state="withheld", finding="unsafe: 0.9")
    assert [p.id for p in walked(site)] == ["a"]
    assert walked(site, words="cat")[0].id == "a"
    with pytest.raises(MissingPicture):
        site.pictures.public("b")
    assert {p.id for p in site.pictures.of_maker("maker").pictures} == {"a", "b"}
    assert [p.id for p in site.pictures.in_state("withheld").pictures] == ["b"]
    assert site.pictures.counts() == {"public": 1, "withheld": 1}


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "%%%",
        "W10",
        "bnVsbA",
        "WzEsMl0",
        "WyJhIiwiYiJd",
        "W3RydWUsICJhIl0",
        "WzFlOTksICJhIl0",
        "é" * 9,
    ],
)
def test_a_made_up_cursor_is_refused(site: Site, cursor: str) -> None:
    publish(site, "a")
    with pytest.raises(CursorError, match="start from its beginning"):
        site.pictures.page(after=cursor)


def test_a_cursor_of_another_order_is_refused(site: Site) -> None:
    for id in "abc":
        publish(site, id)
    page = site.pictures.page(most=1)
    with pytest.raises(CursorError):
        site.pictures.page("ever", after=page.after)


def test_its_maker_alone_deletes_a_picture(site: Site) -> None:
    made = publish(site, "a")
    site.votes.cast("a", "somebody")
    assert not site.pictures.delete("a", "somebody")
    files = [made.file, made.thumbnail, "another.png"]
    assert site.pictures.needed(files) == {made.file, made.thumbnail}
    assert site.pictures.delete("a", "maker")
    assert not site.pictures.delete("a", "maker")
    assert walked(site) == walked(site, words="cat") == []
    assert site.pictures.needed(files) == set()
    assert site.votes.total() == 0
    deleted = site.pictures.find("a")
    assert deleted is not None
    assert (deleted.state, deleted.maker, deleted.subject, deleted.prompts) == ("deleted", None, "", ())
