import numpy as np
import pytest

from strikebox.metrics.features import Reading, Word
from strikebox.metrics.lettering import (
    Overlap,
    confident,
    has_lettering,
    letters,
    overlap,
    own_texts,
    rate,
    similarity,
    text,
    text_area,
)

NOTHING = np.array([0, 0], np.float32)
A_LINE = np.array([0.12, 7], np.float32)


def reading(*words: tuple[str, float]) -> Reading:
    return Reading(tuple(Word(text=t, confidence=c, box=(0, 0, 1, 1)) for t, c in words))


def edits(one: str, other: str) -> int:
    """Levenshtein's distance, by its recurrence."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row, above = [i], row
        for j, b in enumerate(other, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (a != b)))
    return row[-1]


def test_similarity_is_levenshteins() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        some, other = ("".join(rng.choice([*"абв"], rng.integers(low, 9))) for low in (0, 1))
        expected = 1 - edits(some, other) / max(len(some), len(other))
        assert similarity(some, other) == similarity(other, some) == pytest.approx(expected), (some, other)


@pytest.mark.parametrize(
    ("some", "other", "expected"),
    [
        ("лес", "лес", 1.0),
        ("", "лес", 0.0),
        ("xyz", "лес", 0.0),
        ("мир", "мирмиру", 3 / 7),
        ("миrмиру", "мирмиру", 6 / 7),
    ],
)
def test_similarity_by_hand(some: str, other: str, expected: float) -> None:
    assert similarity(some, other) == pytest.approx(expected)


def test_two_empty_texts_are_refused() -> None:
    with pytest.raises(ValueError, match="nothing to compare"):
        similarity("", "")


def test_case_accents_and_points_do_not_matter() -> None:
    assert letters("Лети к звёздам!") == letters("ЛЕТИ|К ЗВЕЗДАМ")
    assert letters("ПОЖАР - ВРАГ 1") == "пожарвраг1"


def test_the_nearest_text_is_named() -> None:
    own = ("МИР МИРУ", "БЕРЕГИТЕ ЛЕС")
    assert overlap("берегите лёс", own) == Overlap(similarity=1.0, text="БЕРЕГИТЕ ЛЕС")
    assert overlap("", own) == Overlap(similarity=0.0, text=None)
    assert overlap("берегите лес", ()) is None


def test_own_texts_are_those_stated_each_once_and_long_enough() -> None:
    stated = ["МИР|МИРУ", None, "мир миру", "СССР", "1"]
    assert own_texts(stated, [reading(("ЛЕС", 0.9))]) == ("МИР|МИРУ", "СССР")


def test_own_texts_are_read_where_nobody_states_them() -> None:
    readings = [reading(("БЕРЕГИТЕ", 0.9), ("ЛЕС", 0.4)), reading(("ФИГНЯ", 0.3)), Reading(())]
    assert own_texts([None, None], readings) == ("БЕРЕГИТЕ ЛЕС",)
    assert own_texts([None], None) == ()


def test_only_sure_words_of_three_letters_prove_lettering() -> None:
    unsure = reading(("ЛЕС", 0.59), ("ФО", 0.99), ("--|--", 0.99))
    assert confident(unsure) == ()
    assert has_lettering(NOTHING, unsure) is False
    assert has_lettering(NOTHING, reading(("ЛЕС", 0.6))) is True
    assert text(unsure) == "ЛЕС ФО --|--"


def test_a_line_that_nobody_can_read_is_lettering_too() -> None:
    assert has_lettering(A_LINE, Reading(())) is True
    assert has_lettering(np.array([0.05, 3], np.float32), Reading(())) is False
    assert text_area(A_LINE) == pytest.approx(0.12)


def test_what_was_not_read_is_not_known() -> None:
    assert has_lettering(A_LINE, None) is None
    assert rate([None, None]) is None
    assert rate([True, None, False, False]) == pytest.approx(1 / 3)
