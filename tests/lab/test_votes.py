"""Votes: which pairs are asked, what is kept on the disk, and what they add up to."""

import json
import multiprocessing
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from strikebox.errors import RunError, StoreError
from strikebox.lab.votes.agreement import agreement, cohen_kappa, fleiss_kappa
from strikebox.lab.votes.ballots import FILE, Ballot, BallotBox, Choice
from strikebox.lab.votes.bradley_terry import beats, standing
from strikebox.lab.votes.pairs import LAG, Pair, all_pairs, next_showing, showings

ARMS = ("a", "b", "c", "d", "e")
SUBJECTS = ("cat", "dog", "fox", "bear", "owl")


def ballot(left: str, right: str, choice: Choice = "left", **changes: object) -> Ballot:
    number = next(NUMBERS)
    base = Ballot(
        id=f"{number:08x}", rater="ann", question="?", subject="cat", seed=1, left=left, right=right,
        choice=choice, repeat_of=None, seconds=1.0, at="2026-01-01T00:00:00+00:00",
    )  # fmt: skip
    return replace(base, **changes)


NUMBERS = iter(range(10**9))


def pictures(arms: tuple[str, ...] = ARMS, seeds: int = 3) -> dict[tuple[str, str, int], str]:
    return {(arm, s, seed): f"{arm}{s}{seed}" for arm in arms for s in SUBJECTS for seed in range(seeds)}


def sitting(pairs: tuple[Pair, ...], rng: int, so_far: list[Ballot] | None = None) -> list[Ballot]:
    """A rater who always prefers the recipe that comes first in the alphabet."""
    cast, generator = list(so_far or []), np.random.default_rng(rng)
    while shown := next_showing(pairs, cast, generator):
        cast.append(
            ballot(
                shown.left,
                shown.right,
                "left" if shown.left < shown.right else "right",
                subject=shown.subject,
                seed=shown.seed,
                repeat_of=shown.repeat_of,
            )
        )
    return cast


def test_each_pair_is_asked_once_and_one_in_ten_again_with_sides_swapped() -> None:
    pairs = all_pairs(pictures())
    assert len(pairs) == 150
    cast = sitting(pairs, rng=1)
    assert len(cast) == showings(pairs) == 166
    fresh = [b for b in cast if b.repeat_of is None]
    assert len({(b.subject, b.seed, frozenset((b.left, b.right))) for b in fresh}) == len(fresh) == 150
    place = {b.id: i for i, b in enumerate(cast)}
    by_id = {b.id: b for b in cast}
    for again in (b for b in cast if b.repeat_of is not None):
        before = by_id[again.repeat_of or ""]
        assert (before.left, before.right) == (again.right, again.left)
        assert (before.subject, before.seed) == (again.subject, again.seed)
        assert place[again.id] - place[before.id] > LAG
    blocks = Counter(place[b.id] // 10 for b in cast if b.repeat_of is not None)
    assert set(blocks.values()) == {1}


def test_recipes_and_subjects_are_balanced_at_any_time() -> None:
    pairs = all_pairs(pictures())
    fresh = [b for b in sitting(pairs, rng=2) if b.repeat_of is None]
    for stop in (10, 37, 75, 140):
        recipes = Counter(frozenset((b.left, b.right)) for b in fresh[:stop])
        assert max(recipes.values()) - min(recipes[frozenset(p.recipes)] for p in pairs) <= 1
        subjects = Counter(b.subject for b in fresh[:stop])
        assert max(subjects.values()) - min(subjects[s] for s in SUBJECTS) <= 4


def test_sides_are_by_chance() -> None:
    pairs = all_pairs(pictures())
    first_left = [b.left < b.right for rng in range(4) for b in sitting(pairs, rng) if b.repeat_of is None]
    assert 0.43 < np.mean(first_left) < 0.57  # of 600: four standard errors are 8%
    assert sitting(pairs, 1)[0].left == sitting(pairs, 1)[0].left
    assert [b.subject for b in sitting(pairs, 1)] != [b.subject for b in sitting(pairs, 2)]


def test_a_sitting_can_be_gone_on_with() -> None:
    pairs = all_pairs(pictures(seeds=1))
    half = sitting(pairs, rng=3)[:20]
    cast = sitting(pairs, rng=4, so_far=half)
    assert cast[:20] == half
    assert len(cast) == showings(pairs)
    assert len({(b.subject, frozenset((b.left, b.right))) for b in cast}) == len(pairs)


@pytest.mark.parametrize("seeds", [1, 2])
@pytest.mark.parametrize("arms", [("a", "b"), ("a", "b", "c")])
def test_small_runs_come_to_an_end(arms: tuple[str, ...], seeds: int) -> None:
    pairs = all_pairs(pictures(arms, seeds))
    assert len(sitting(pairs, 5)) == showings(pairs)


def test_pictures_that_are_missing_or_the_same_are_not_compared() -> None:
    few = {("a", "cat", 1): "x", ("b", "cat", 1): "y", ("c", "cat", 1): "x", ("a", "dog", 1): "z"}
    assert [pair.recipes for pair in all_pairs(few)] == [("a", "b"), ("b", "c")]
    assert next_showing((), [], np.random.default_rng(0)) is None


def test_votes_on_pictures_that_are_gone_do_not_count_as_asked() -> None:
    pairs = all_pairs(pictures(("a", "b"), 1))
    strangers = [ballot("a", "z"), ballot("a", "b", subject="whale")]
    assert len(sitting(pairs, 1, strangers)) == showings(pairs) + 2


def test_ballots_are_kept_in_order_and_can_be_taken_back(tmp_path: Path) -> None:
    box, cast = BallotBox(tmp_path), [ballot("a", "b"), ballot("ё", "b", "tie"), ballot("c", "a", "right")]
    assert box.ballots() == ()
    for one in cast:
        box.cast(one)
    assert box.ballots() == tuple(cast)
    box.undo(cast[1])
    assert box.ballots() == (cast[0], cast[2])
    assert len((tmp_path / FILE).read_text("utf-8").splitlines()) == 4  # nothing is ever changed


@pytest.mark.parametrize("cut", [1, 5, 100])
def test_a_last_line_that_was_cut_short_is_left_out_and_then_replaced(tmp_path: Path, cut: int) -> None:
    box, first, second = BallotBox(tmp_path), ballot("a", "b"), ballot("a", "c")
    box.cast(first)
    box.cast(second)
    content = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(content[:-cut])
    kept = (first, second) if cut == 1 else (first,)  # only its end was lost
    assert box.ballots() == kept
    third = ballot("b", "c")
    box.cast(third)
    assert box.ballots() == (*kept, third)
    assert all(json.loads(line) for line in (tmp_path / FILE).read_text().splitlines())


def test_damage_elsewhere_is_named(tmp_path: Path) -> None:
    box = BallotBox(tmp_path)
    box.cast(ballot("a", "b"))
    (tmp_path / FILE).write_bytes(b"{half\n" + (tmp_path / FILE).read_bytes())
    with pytest.raises(RunError, match=r"votes\.jsonl, line 1 is damaged; delete that line"):
        box.ballots()
    for strange in ('{"vote": {"id": "1"}}', '{"vote": 3}', "[1]", '{"other": 1}'):
        (tmp_path / FILE).write_text(strange + "\n")
        with pytest.raises(RunError, match="line 1"):
            box.ballots()


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(StoreError, match=r"votes\.jsonl: Is a directory"):
        BallotBox(tmp_path).cast(ballot("a", "b"))


def _cast_many(folder: Path, rater: str) -> None:
    for number in range(25):
        BallotBox(folder).cast(ballot("a", "b", rater=rater, id=f"{rater}{number}"))


def test_several_raters_may_vote_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_cast_many, args=(tmp_path, rater)) for rater in "xyz"]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(30)
    votes = BallotBox(tmp_path).ballots()
    assert Counter(vote.rater for vote in votes) == {"x": 25, "y": 25, "z": 25}


def test_strengths_of_two_are_the_log_odds_of_their_wins() -> None:
    votes = [ballot("a", "b", "left") for _ in range(600)] + [ballot("b", "a", "left") for _ in range(200)]
    found = standing(["a", "b"], votes)
    a, b = found.strengths
    # The prior of standard deviation 3 draws them together by less than a hundredth.
    assert a.estimate - b.estimate == pytest.approx(np.log(3), abs=0.01)  # type: ignore[operator]
    assert a.estimate == pytest.approx(-b.estimate)  # type: ignore[operator]
    assert beats(a, b) == pytest.approx(0.75, abs=2e-3)
    assert (a.wins, a.votes, found.votes) == (600, 800, 800)


def test_a_tie_is_half_a_win_to_both() -> None:
    votes = [ballot("a", "b", "tie") for _ in range(4)] + [ballot("a", "b", "right", subject="dog")]
    a, b = standing(["a", "b"], votes).strengths
    assert (a.wins, b.wins, a.votes) == (2, 3, 5)
    even = standing(["a", "b"], votes[:4]).strengths
    assert [s.estimate for s in even] == pytest.approx([0, 0])


def test_who_wins_every_vote_is_strong_but_not_infinitely_so() -> None:
    votes = [ballot("a", "b", subject=s, seed=n) for s in SUBJECTS for n in range(3)]
    a, b = standing(["a", "b"], votes).strengths
    assert a.estimate is not None and a.low is not None and b.high is not None
    assert 0 < a.low < a.estimate < 5
    assert b.high < 0


def test_what_no_vote_connects_is_not_compared() -> None:
    votes = [ballot("a", "b"), ballot("b", "c"), ballot("d", "e"), ballot("a", "stranger")]
    found = standing(ARMS, votes)
    assert [s.estimate is None for s in found.strengths] == [False, False, False, True, True]
    assert [s.low is None for s in found.strengths] == [False, False, False, True, True]
    assert (found.strengths[3].wins, found.strengths[3].votes) == (1, 1)
    assert beats(found.strengths[0], found.strengths[3]) is None
    assert found.votes == 3


def test_no_votes_at_all() -> None:
    found = standing(ARMS, [])
    assert all(s.estimate is None and s.votes == 0 for s in found.strengths)
    assert (found.votes, found.subjects, found.raters) == (0, 0, 0)
    assert standing([], []).strengths == ()


def test_repeats_are_not_counted_twice() -> None:
    first = ballot("a", "b")
    assert standing(["a", "b"], [first, ballot("b", "a", repeat_of=first.id)]).votes == 1


def test_agreement_with_oneself_and_the_left_hand() -> None:
    cast = sitting(all_pairs(pictures()), rng=6)
    found = agreement(cast)
    assert (found.repeats, found.same, found.kappa_repeats) == (16, 16, None)  # always the same answer
    lefty = agreement([replace(b, choice="left") for b in cast])
    assert lefty.same == 0
    assert lefty.kappa_repeats is not None and lefty.kappa_repeats < 0
    assert lefty.left_low is not None and lefty.left_low > 0.9
    none = agreement([])
    assert (none.kappa_repeats, none.kappa_raters, none.left_low) == (None, None, None)


def test_kappa_of_cohens_kind() -> None:
    """20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no: p_o = 0.7, p_e = 0.5."""
    answers = [("y", "y")] * 20 + [("y", "n")] * 5 + [("n", "y")] * 10 + [("n", "n")] * 15
    assert cohen_kappa(answers) == pytest.approx(0.4)


def test_kappa_of_fleisss_kind() -> None:
    """Fourteen raters, ten subjects, five answers: the worked example of the literature, 0.210."""
    counts = [
        [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
        [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
    ]  # fmt: skip
    assert fleiss_kappa(np.array(counts)) == pytest.approx(0.210, abs=5e-4)
    assert fleiss_kappa(np.array([[1, 0, 0], [0, 1, 0]])) is None


def test_raters_who_agree_and_who_do_not() -> None:
    generator = np.random.default_rng(8)
    cells = [(s, n) for s in SUBJECTS for n in range(40)]
    truth = {cell: generator.random() < 0.5 for cell in cells}

    def votes(rater: str, right: float) -> list[Ballot]:
        return [
            ballot(*sides, "left" if agrees == (sides[0] == "a") else "right", rater=rater, subject=s, seed=n)
            for s, n in cells
            for sides in [("a", "b") if generator.random() < 0.5 else ("b", "a")]
            for agrees in [truth[s, n] == (generator.random() < right)]
        ]

    alike = agreement(votes("ann", 1.0) + votes("bob", 1.0))
    assert (alike.shared, alike.kappa_raters) == (200, pytest.approx(1.0))
    apart = agreement(votes("ann", 1.0) + votes("bob", 0.5))
    assert apart.kappa_raters is not None and abs(apart.kappa_raters) < 0.25
