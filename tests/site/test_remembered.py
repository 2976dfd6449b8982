"""A figure is counted again when it is old, and once however many ask."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from strikebox.site.remembered import Remembered


def test_it_is_counted_again_when_it_is_old() -> None:
    now, counted = [0.0], []

    def count() -> int:
        counted.append(now[0])
        return len(counted)

    figure = Remembered(count, 60.0, clock=lambda: now[0])
    assert (figure(), figure()) == (1, 1)
    now[0] = 59.9
    assert figure() == 1
    now[0] = 60.0
    assert (figure(), counted) == (2, [0.0, 60.0])


def test_many_who_ask_at_once_wait_for_one() -> None:
    started, go_on, counted = threading.Event(), threading.Event(), []

    def count() -> int:
        started.set()
        assert go_on.wait(30)
        counted.append(1)
        return 7

    figure = Remembered(count, 60.0)
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(figure) for _ in range(8)]
        assert started.wait(30)
        go_on.set()
        assert [one.result(30) for one in asked] == [7] * 8
    assert counted == [1]


def test_a_count_that_fails_is_tried_again() -> None:
    tries: list[int] = []

    def count() -> int:
        tries.append(1)
        if len(tries) == 1:
            raise OSError("away")
        return 5

    figure = Remembered(count, 60.0)
    with pytest.raises(OSError, match="away"):
        figure()
    assert figure() == 5
