"""Ranges as people write them, both ends included: `0-1 (+0.1)` by steps, `0-1 [5]` by count.

Several parts may stand with commas between them, and a part may be one number: `0, 0.5-1 [3]`.
"""

import re
from decimal import Decimal
from fractions import Fraction

from strikebox.errors import DesignError

MOST_VALUES = 1000

_NUMBER = r"[+-]?(?:\d{1,12}(?:\.\d{0,12})?|\.\d{1,12})"
_ONE = re.compile(_NUMBER, re.ASCII)
_RANGE = re.compile(
    rf"(?P<first>{_NUMBER})\s*-\s*(?P<last>{_NUMBER})\s*"
    rf"(?:\(\s*(?P<step>{_NUMBER})\s*\)|\[\s*(?P<count>\d{{1,12}})\s*\])",
    re.ASCII,
)


def parse(text: str) -> tuple[float, ...]:
    """The values of a range, in order, none twice. Each is the float nearest to the exact decimal.

    `0-1 (+0.1)` is 0, 0.1, ... 1; `1-0 (-0.5)` is 1, 0.5, 0; `0-1 [5]` is 0, 0.25, 0.5, 0.75, 1.
    Raises DesignError that says what is wrong and what to write.
    """
    values = [value for part in text.split(",") for value in _part(part.strip())]
    if len(values) > MOST_VALUES:
        raise DesignError(f"{text!r} are {len(values)} values; at most {MOST_VALUES} are taken")
    floats = tuple(float(value) for value in values)
    for position, value in enumerate(floats):
        if value in floats[:position]:
            raise DesignError(f"{text!r} names {value:g} twice; name it once")
    return floats


def _part(text: str) -> list[Fraction]:
    if _ONE.fullmatch(text):
        return [_exact(text)]
    found = _RANGE.fullmatch(text)
    if found is None:
        raise DesignError(
            f"{text!r} is no range; write 0-1 (+0.1) for steps of 0.1, or 0-1 [5] for 5 values, ends included"
        )
    first, last = _exact(found["first"]), _exact(found["last"])
    if found["count"] is not None:
        return _by_count(text, first, last, int(found["count"]))
    return _by_step(text, first, last, _exact(found["step"]))


def _by_step(text: str, first: Fraction, last: Fraction, step: Fraction) -> list[Fraction]:
    if step == 0:
        raise DesignError(f"{text!r} has a step of 0; write one above or below it")
    steps = (last - first) / step
    if steps < 0:
        raise DesignError(f"{text!r} steps away from its end; write ({float(-step):+g})")
    if steps >= MOST_VALUES:
        raise DesignError(f"{text!r} are {int(steps) + 1} values; at most {MOST_VALUES} are taken")
    if steps.denominator != 1:
        below = first + int(steps) * step
        raise DesignError(
            f"{text!r} misses its end: it comes to {float(below):g}, then {float(below + step):g}; "
            "end at one of them"
        )
    return [first + k * step for k in range(int(steps) + 1)]


def _by_count(text: str, first: Fraction, last: Fraction, count: int) -> list[Fraction]:
    if count < 2:
        raise DesignError(f"{text!r} has {count} values; both ends are included, so there are at least 2")
    if count > MOST_VALUES:
        raise DesignError(f"{text!r} are {count} values; at most {MOST_VALUES} are taken")
    return [first + (last - first) * k / (count - 1) for k in range(count)]


def _exact(number: str) -> Fraction:
    return Fraction(Decimal(number))
