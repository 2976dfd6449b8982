"""More workers at once, fewer after a while, and never to and fro."""

import pytest

from strikebox.site.scaling import Scale


def scale(least: int = 1, most: int = 4) -> Scale:
    return Scale(least, most, busy=30.0, patience=120.0)


@pytest.mark.parametrize(("work", "wanted"), [(0.0, 1), (30.0, 1), (31.0, 2), (119.0, 4), (1e6, 4)])
def test_it_grows_at_once(work: float, wanted: int) -> None:
    assert scale().wanted(0.0, 1, jobs=9, work=work) == wanted


def test_one_job_is_enough_to_start_the_first() -> None:
    assert scale(least=0).wanted(0.0, 0, jobs=0, work=0.0) == 0
    assert scale(least=0).wanted(0.0, 0, jobs=1, work=0.0) == 1


def test_it_shrinks_by_one_when_fewer_were_enough_for_a_while() -> None:
    one = scale()
    assert [one.wanted(now, 4, 0, 0.0) for now in (0.0, 60.0, 119.0)] == [4, 4, 4]
    assert one.wanted(120.0, 4, 0, 0.0) == 3
    assert one.wanted(121.0, 3, 0, 0.0) == 3
    assert one.wanted(240.0, 3, 0, 0.0) == 2


def test_work_meanwhile_begins_the_while_again() -> None:
    one = scale()
    one.wanted(0.0, 3, 0, 0.0)
    assert one.wanted(100.0, 3, 9, 80.0) == 3
    assert one.wanted(130.0, 3, 0, 0.0) == 3
    assert one.wanted(260.0, 3, 0, 0.0) == 2


@pytest.mark.parametrize("work", [31.0, 45.0, 60.0])
def test_what_lies_between_changes_nothing(work: float) -> None:
    one = scale()
    assert {one.wanted(now, 2, 9, work) for now in (0.0, 200.0, 400.0)} == {2}
    assert {one.wanted(now, 3, 9, work) for now in (500.0, 700.0, 900.0)} == ({3} if work > 30 else {2, 3})


def test_bounds_hold() -> None:
    assert scale(least=2).wanted(0.0, 0, 0, 0.0) == 2
    assert scale(most=3).wanted(0.0, 9, 9, 1e6) == 3
    one = scale(least=2)
    assert [one.wanted(now, 2, 0, 0.0) for now in (0.0, 500.0)] == [2, 2]
