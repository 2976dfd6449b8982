import numpy as np
import pytest

from strikebox.metrics import anatomy
from strikebox.metrics.anatomy import ceiling, judge, names, noise_alarm, whole
from strikebox.metrics.features import Feature

CHOICES = ("cat", "dog", "owl")
WORDS = np.eye(3, dtype=np.float32)


def pictures(*rows: tuple[float, float, float]) -> Feature:
    features = np.array(rows, np.float32)
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def test_the_subject_is_named_where_its_cosine_is_the_largest() -> None:
    seen = judge(pictures((3, 4, 0), (4, 3, 0), (0, 0, 1)), WORDS, CHOICES, ["cat", "Cat ", "owl"])
    assert seen.named.tolist() == [False, True, True]
    assert seen.margin == pytest.approx([-0.2, 0.2, 1.0])
    assert seen.best == ("dog", "cat", "owl")


def test_a_tie_is_no_hit() -> None:
    assert judge(pictures((1, 1, 0)), WORDS, CHOICES, ["cat"]).named.tolist() == [False]


def test_chance_names_one_in_as_many_as_there_are() -> None:
    rng = np.random.default_rng(0)
    seen = judge(
        rng.normal(size=(6000, 3)).astype(np.float32), WORDS, CHOICES, rng.choice(CHOICES, 6000).tolist()
    )
    assert seen.named.mean() == pytest.approx(1 / 3, abs=0.02)


def test_a_subject_that_cannot_be_chosen_is_refused() -> None:
    with pytest.raises(ValueError, match="the subject fox is none of the choices"):
        judge(pictures((1, 0, 0), (1, 0, 0)), WORDS, CHOICES, ["cat", "fox"])
    with pytest.raises(ValueError, match="at least 2 names"):
        judge(pictures((1, 0, 0)), WORDS[:1], CHOICES[:1], ["cat"])


def test_names_stand_once_subjects_first() -> None:
    assert names(["cat", "fir tree"], ["Owl", "CAT", "fir  tree", "owl"]) == ("cat", "fir tree", "Owl")


def test_a_judge_counts_from_eighty_percent_on_real_pictures() -> None:
    def seen(hits: int, of: int = 10) -> anatomy.Judged:
        rows = [(1.0, 0.0, 0.0)] * hits + [(0.0, 1.0, 0.0)] * (of - hits)
        return judge(pictures(*rows), WORDS, CHOICES, ["cat"] * of)

    good, bad = seen(8), seen(7)
    assert ceiling(good, bad).usable
    refused = ceiling(bad, good)
    assert (refused.usable, refused.rate) == (False, pytest.approx(0.7))
    assert refused.reason == "the judge names 70% of 10 pictures (real pictures) rightly, and 80% is needed"
    assert ceiling(None, good).reason == "the judge names 80% of 10 pictures (the base model's) rightly"
    assert ceiling(None, None).rate is None
    assert not ceiling(None, None).usable


def test_the_alarm_keeps_to_its_share_on_pictures_like_the_references() -> None:
    """Exchangeable pictures: the share flagged is at most the stated one, on average over many runs."""
    rng = np.random.default_rng(1)
    flagged, stated = [], 0.0
    for _ in range(300):
        alarm = noise_alarm({"held-out": rng.normal(size=(120, 3)).astype(np.float32)})
        assert alarm is not None
        flagged.append(alarm(rng.normal(size=(200, 3)).astype(np.float32)).mean())
        stated = alarm.expected["held-out"]
    assert stated == pytest.approx(3 * 2 / 121)
    assert np.mean(flagged) == pytest.approx(stated, abs=0.006)


def test_noise_is_beyond_every_kind_of_reference() -> None:
    rng = np.random.default_rng(2)
    low, high = (rng.uniform(size=(50, 2)).astype(np.float32) + shift for shift in (0, 5))
    alarm = noise_alarm({"base": low, "held-out": high})
    assert alarm is not None
    assert alarm(np.array([[4, 4], [6.5, 4], [4, 6.5]], np.float32)).tolist() == [False, True, True]


def test_no_reference_that_sets_the_bar_alone_is_noise_itself() -> None:
    few = np.random.default_rng(3).normal(size=(12, 3)).astype(np.float32)
    alarm = noise_alarm({"base": few})
    assert alarm is not None
    assert not alarm(few).any()
    assert alarm.expected["base"] == pytest.approx(3 / 13)


def test_without_references_nothing_is_called_noise() -> None:
    assert noise_alarm({}) is None
    assert noise_alarm({"base": np.zeros((9, 3), np.float32)}) is None


def test_whole_is_named_and_no_noise() -> None:
    named, noise = np.array([True, True, False]), np.array([False, True, False])
    assert whole(named, noise).tolist() == [True, False, False]
