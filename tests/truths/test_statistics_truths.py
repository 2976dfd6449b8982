"""Intervals that cover, p-values that are uniform, errors at their level: by simulation with fixed seeds.

Values are mean + subject + cell, the two of unit variance together and correlated by `CORRELATION` within
subjects. In full each figure rests on ten times the rounds.
"""

from collections.abc import Callable
from functools import cache
from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from strikebox.lab.statistics import compare, contrast, equivalence, mean, rate, rate_contrast
from strikebox.lab.votes.ballots import Ballot
from strikebox.lab.votes.bradley_terry import standing

Table = NDArray[np.float64]  # (subjects, seeds)
Draw = Callable[[np.random.Generator, tuple[int, ...]], Table]

CORRELATION = 0.3
SHAPES = [(5, 3), (10, 3), (40, 5)]


def normal(r: np.random.Generator, shape: tuple[int, ...]) -> Table:
    return r.normal(size=shape)


def heavy(r: np.random.Generator, shape: tuple[int, ...]) -> Table:
    """Student's t on 3 degrees, of unit variance."""
    return r.standard_t(3, size=shape) / 3**0.5


def skewed(r: np.random.Generator, shape: tuple[int, ...]) -> Table:
    return r.exponential(size=shape) - 1


def clustered(
    r: np.random.Generator, shape: tuple[int, int], draw: Draw = normal, correlation: float = CORRELATION
) -> Table:
    subjects = draw(r, (shape[0], 1))
    return correlation**0.5 * subjects + (1 - correlation) ** 0.5 * draw(r, shape)


def cells(table: Table, missing: NDArray[np.bool_] | None = None) -> dict[tuple[str, int], float | None]:
    subjects, seeds = table.shape
    return {
        (str(i), j): None if missing is not None and missing[i, j] else float(table[i, j])
        for i in range(subjects)
        for j in range(seeds)
    }


def flags(table: NDArray[np.bool_]) -> dict[tuple[str, int], bool | None]:
    return {(str(i), j): bool(value) for i, row in enumerate(table) for j, value in enumerate(row)}


def hits(
    r: np.random.Generator, shape: tuple[int, int], chance: float, subjects: Table | None = None
) -> NDArray[np.bool_]:
    """Events of probability `chance`, correlated within subjects through a normal threshold."""
    if subjects is None:
        subjects = r.normal(size=(shape[0], 1))
    latent = CORRELATION**0.5 * subjects + (1 - CORRELATION) ** 0.5 * r.normal(size=shape)
    return latent < stats.norm.ppf(chance)


def covers(low: float | None, high: float | None, truth: float) -> bool:
    return low is not None and high is not None and low - 1e-12 <= truth <= high + 1e-12


def uniform(ps: list[float], steps: int) -> float:
    """p of the hypothesis that `ps` are spread evenly over 1 / steps, 2 / steps, ..., 1."""
    groups = min(10, steps)
    edges = np.round(np.arange(groups + 1) * steps / groups) / steps
    counts = np.histogram(ps, bins=edges + 0.5 / steps)[0]
    return float(stats.chisquare(counts, np.diff(edges) * len(ps)).pvalue)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("draw", [normal, heavy])
@pytest.mark.parametrize("gaps", [0.0, 0.2])
def test_intervals_of_means_cover(shape: tuple[int, int], draw: Draw, gaps: float, full: bool) -> None:
    r, rounds, covered = np.random.default_rng(11), 20_000 if full else 1_000, 0
    for _ in range(rounds):
        found = mean(cells(clustered(r, shape, draw), r.random(shape) < gaps))
        covered += covers(found.low, found.high, 0.0)
    assert 0.93 <= covered / rounds <= 0.97


@pytest.mark.parametrize("shape", SHAPES)
def test_intervals_of_skewed_means_lose_little(shape: tuple[int, int], full: bool) -> None:
    """With five or ten subjects an exponential costs 2% of coverage; no interval mends that."""
    r, rounds, covered = np.random.default_rng(12), 20_000 if full else 1_000, 0
    for _ in range(rounds):
        found = mean(cells(clustered(r, shape, skewed)))
        covered += covers(found.low, found.high, 0.0)
    assert 0.91 <= covered / rounds <= 0.97


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("draw", [normal, skewed])
def test_intervals_of_contrasts_cover(shape: tuple[int, int], draw: Draw, full: bool) -> None:
    """Two arms that share their subjects, one of them 0.4 above the other."""
    r, rounds, covered = np.random.default_rng(13), 10_000 if full else 600, 0
    for _ in range(rounds):
        shared = draw(r, (shape[0], 1))
        arm, other = 0.4 + shared + clustered(r, shape, draw), shared + clustered(r, shape, draw)
        found = contrast(cells(arm), cells(other), r, draws=1)
        covered += covers(found.low, found.high, 0.4)
    assert 0.93 <= covered / rounds <= 0.97


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("chance", [0.02, 0.1, 0.3, 0.5])
def test_intervals_of_rates_cover(shape: tuple[int, int], chance: float, full: bool) -> None:
    """At least 93%; counts come in steps, so that with few cells it is more."""
    r, rounds, covered = np.random.default_rng(14), 10_000 if full else 400, 0
    for _ in range(rounds):
        found = rate(flags(hits(r, shape, chance)))
        covered += covers(found.low, found.high, chance)
    assert covered / rounds >= 0.93


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize(("one", "two"), [(0.02, 0.02), (0.4, 0.1), (0.5, 0.5), (0.9, 0.2)])
def test_intervals_of_differences_of_rates_cover(
    shape: tuple[int, int], one: float, two: float, full: bool
) -> None:
    r, rounds, covered = np.random.default_rng(15), 4_000 if full else 300, 0
    for _ in range(rounds):
        shared = r.normal(size=(shape[0], 1))
        arm, other = flags(hits(r, shape, one, shared)), flags(hits(r, shape, two, shared))
        found = rate_contrast(arm, other, r, draws=1)
        covered += covers(found.low, found.high, one - two)
    assert covered / rounds >= 0.93


@pytest.mark.parametrize(("shape", "steps"), [((5, 3), 16), ((10, 3), 512), ((40, 5), 400)])
def test_p_is_uniform_where_nothing_differs(shape: tuple[int, int], steps: int, full: bool) -> None:
    r, rounds = np.random.default_rng(16), 10_000 if full else 600
    nothing = cells(np.zeros(shape))
    found = [contrast(cells(clustered(r, shape)), nothing, r, draws=399).p for _ in range(rounds)]
    ps = [p for p in found if p is not None]
    assert len(ps) == rounds
    assert uniform(ps, steps) > 0.001
    for alpha in (0.0625, 0.125, 0.25):
        assert np.mean(np.array(ps) <= alpha) <= alpha + 3 * (alpha * (1 - alpha) / rounds) ** 0.5


def test_p_of_cells_is_uniform_for_independent_cells_and_too_small_for_others(full: bool) -> None:
    """Why it is never the verdict."""
    r, rounds, shape = np.random.default_rng(17), 5_000 if full else 600, (8, 4)
    nothing = cells(np.zeros(shape))

    def ps(correlation: float) -> list[float]:
        tables = [cells(clustered(r, shape, correlation=correlation)) for _ in range(rounds)]
        found = [contrast(table, nothing, r, draws=399).p_cells for table in tables]
        return [p for p in found if p is not None]

    assert uniform(ps(0.0), 400) > 0.001
    assert np.mean(np.array(ps(0.5)) <= 0.05) > 0.15


@pytest.mark.parametrize("better", [0, 1])
def test_holm_keeps_the_error_over_all_contrasts(better: int, full: bool) -> None:
    """Four arms against one baseline, which makes the questions depend on each other; some differ indeed."""
    r, rounds, wrong = np.random.default_rng(18), 3_000 if full else 300, 0
    for _ in range(rounds):
        arms = {str(arm): cells(clustered(r, (10, 3)) + 3 * (arm <= better) * (arm > 0)) for arm in range(5)}
        found = compare(arms, "0", r, draws=99)
        wrong += any((found[str(arm)].p_holm or 1) <= 0.05 for arm in range(1 + better, 5))
    assert wrong / rounds <= 0.05 + 3 * (0.05 * 0.95 / rounds) ** 0.5


@pytest.mark.parametrize("shape", SHAPES)
def test_no_loss_is_wrongly_claimed_at_its_level(shape: tuple[int, int], full: bool) -> None:
    """Arms that are worse by just the margin: 5% pass. So do they in equivalence, where there is power."""
    r, rounds = np.random.default_rng(19), 20_000 if full else 1_000
    nothing, verdicts = cells(np.zeros(shape)), []
    for _ in range(rounds):
        verdicts.append(equivalence(cells(clustered(r, shape) - 2.0), nothing, margin=2.0).verdict)
    passed = np.mean([verdict in ("no loss", "equivalent") for verdict in verdicts])
    assert abs(passed - 0.05) <= 3.5 * (0.05 * 0.95 / rounds) ** 0.5
    assert verdicts.count("loss") / rounds <= 0.06


def votes(
    r: np.random.Generator, strengths: Table, ties: float, spread: float, subjects: int
) -> list[Ballot]:
    """Three votes on each two recipes of each subject; strengths vary by `spread` between subjects."""
    cast: list[Ballot] = []
    for subject in range(subjects):
        own = strengths + spread * r.normal(size=len(strengths))
        for (left, right), seed in [(pair, s) for pair in combinations(range(len(own)), 2) for s in range(3)]:
            tied, won = r.random() < ties, r.random() < 1 / (1 + np.exp(own[right] - own[left]))
            choice = "tie" if tied else "left" if won else "right"
            cast.append(
                Ballot(
                    id=str(len(cast)),
                    rater="r",
                    question="?",
                    subject=str(subject),
                    seed=seed,
                    left=str(left),
                    right=str(right),
                    choice=choice,
                    repeat_of=None,
                    seconds=1.0,
                    at="",
                )
            )
    return cast


PLANTED = np.array([0.0, 1.2, 0.5, -0.4, -1.3])
NAMES = [str(i) for i in range(len(PLANTED))]


def estimates(cast: list[Ballot]) -> Table:
    return np.array([strength.estimate for strength in standing(NAMES, cast).strengths], dtype=np.float64)


@cache
def limit(ties: float, spread: float, subjects: int) -> Table:
    return estimates(votes(np.random.default_rng(21), PLANTED, ties, spread, subjects))


def test_planted_strengths_are_found() -> None:
    found = estimates(votes(np.random.default_rng(20), PLANTED, 0.0, 0.0, subjects=500))
    assert found == pytest.approx(PLANTED - PLANTED.mean(), abs=0.12)


@pytest.mark.parametrize("subjects", [5, 10, 40])
@pytest.mark.parametrize(("ties", "spread"), [(0.0, 0.0), (0.2, 0.0), (0.0, 0.7)])
def test_intervals_of_strengths_cover(subjects: int, ties: float, spread: float, full: bool) -> None:
    """What they are to cover is what ever more subjects lead to: ties and spread draw strengths together."""
    truth = limit(ties, spread, 20_000 if full else 800)
    r, rounds, covered = np.random.default_rng(22), 2_000 if full else 3_000 // (subjects + 20), 0
    for _ in range(rounds):
        found = standing(NAMES, votes(r, PLANTED, ties, spread, subjects)).strengths
        covered += sum(covers(s.low, s.high, t) for s, t in zip(found, truth, strict=True))
    assert covered / rounds / len(NAMES) >= 0.93
