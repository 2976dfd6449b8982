"""A range is its exact decimals, both ends included, or one clear line."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikebox.errors import DesignError
from strikebox.lab.ranges import MOST_VALUES, parse

decimals = st.decimals(-100, 100, places=3).map(lambda value: value.normalize())
steps = st.decimals("0.001", 10, places=3)


def plain(value: Decimal) -> str:
    return f"{value:f}"


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0-1 (+0.1)", (0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1)),
        ("0-2 [5]", (0, 0.5, 1, 1.5, 2)),
        ("1-0 (-0.5)", (1, 0.5, 0)),
        ("2-0[3]", (2, 1, 0)),
        ("-1-1(+1)", (-1, 0, 1)),
        ("-2--1 [2]", (-2, -1)),
        (".5 - 1. ( +.25 )", (0.5, 0.75, 1)),
        ("0-1 (0.5)", (0, 0.5, 1)),
        ("3-3 (+1)", (3,)),
        ("0.7", (0.7,)),
        ("0, 0.5-1 [3], 2", (0, 0.5, 0.75, 1, 2)),
        ("1-32 (+1)", tuple(range(1, 33))),
    ],
)
def test_values(text: str, values: tuple[float, ...]) -> None:
    assert parse(text) == values


def test_decimals_are_exact_where_adding_floats_is_not() -> None:
    assert sum([0.1] * 3) != 0.3
    assert parse("0-1 (+0.1)")[3] == 0.3
    assert parse("0-1 [11]") == parse("0-1 (+0.1)")


@given(first=decimals, step=steps, count=st.integers(1, 200), down=st.booleans())
def test_steps_are_those_of_decimal_arithmetic(first: Decimal, step: Decimal, count: int, down: bool) -> None:
    step = -step if down else step
    last = first + step * (count - 1)
    wanted = tuple(float(first + step * k) for k in range(count))
    assert parse(f"{plain(first)}-{plain(last)} ({step:+f})") == wanted


@given(first=decimals, last=decimals, count=st.integers(2, 200))
def test_counts_include_both_ends_and_are_even(first: Decimal, last: Decimal, count: int) -> None:
    if first == last:
        return
    values = parse(f"{plain(first)}-{plain(last)} [{count}]")
    assert len(values) == count
    assert (values[0], values[-1]) == (float(first), float(last))
    assert values == tuple(sorted(values, reverse=last < first))
    gap = float(last - first) / (count - 1)
    assert all(b - a == pytest.approx(gap, abs=1e-9) for a, b in pairwise(values))


@given(text=st.text(st.sampled_from("0123456789.-+()[], "), max_size=30))
def test_anything_else_is_one_clear_line(text: str) -> None:
    try:
        values = parse(text)
    except DesignError as error:
        assert "\n" not in str(error)
    else:
        assert 1 <= len(values) <= MOST_VALUES


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is no range; write 0-1"),
        ("0-1", "is no range; write 0-1"),
        ("zero", "is no range"),
        ("0-1 (+0.1", "is no range"),
        ("0-1 {5}", "is no range"),
        ("٠-١ [5]", "is no range"),
        ("0-1 (+0)", "has a step of 0"),
        ("0-1 (-0.1)", r"steps away from its end; write \(\+0\.1\)"),
        ("1-0 (+0.1)", r"steps away from its end; write \(-0\.1\)"),
        ("0-1 (+0.3)", "misses its end: it comes to 0.9, then 1.2; end at one of them"),
        ("0-1 [1]", "both ends are included"),
        ("0-1 [0]", "both ends are included"),
        ("0-1 [1001]", "are 1001 values; at most 1000"),
        ("0-1 (+0.0001)", "are 10001 values; at most 1000"),
        ("0-1 [600], 2-3 [600]", "are 1200 values"),
        ("0, 0-1 [3]", "names 0 twice"),
        ("9" * 400, "is no range"),
    ],
)
def test_what_cannot_be_read_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(DesignError, match=said):
        parse(text)
