"""What a design can and cannot tell, before anything is spent on it.

Each recipe is compared with the baseline, paired on subject and seed, by sign flips of subjects, with Holm
over all comparisons; leaks are counted. Effects are in standard deviations of the paired differences.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log, sqrt

from strikebox.lab.design import Design
from strikebox.lab.statistics import clusters_needed, smallest_p, upper_bound
from strikebox.lab.statistics.distributions import normal_quantile, t_quantile, t_shift
from strikebox.lab.statistics.signflips import MOST_EXACT

ALPHA = 0.05
TARGET = 0.8  # power
CORRELATION = 0.3  # between two seeds of a subject, assumed until it is measured
EFFECT = 0.5  # what people call a medium effect
RATE = 0.01  # of leaks, to be certified
_MOST = 10_000  # subjects or seeds that anybody would plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """How much would do; None: no number of them would."""

    subjects_for_p: int | None  # so that p < ALPHA can be reached after Holm; None: nothing is compared
    subjects_for_effect: int | None  # to detect EFFECT with as many seeds
    seeds_for_effect: int | None  # to detect EFFECT with as many subjects
    pictures_for_rate: int  # a recipe, to certify RATE
    subjects_for_rate: int  # with as many seeds
    seeds_for_rate: int  # with as many subjects


@dataclass(frozen=True, slots=True, kw_only=True)
class Power:
    """What a design can tell."""

    recipes: int
    subjects: int
    seeds: int
    contrasts: int  # recipes but the baseline
    correlation: float  # assumed between two seeds of a subject
    smallest_p: float  # of sign flips of subjects
    smallest_p_holm: float  # the same, adjusted for all contrasts
    detectable: float | None  # by sign flips with Holm; None: p < ALPHA is out of reach
    detectable_by_interval: float | None  # by one 95% interval; None: it takes two subjects
    bound: float  # on the leaks of a recipe that none of its pictures shows
    bound_by_subject: float  # the same, if all pictures of a subject leak or none
    bound_overall: float  # on the leaks of all recipes together
    needs: Needs

    @property
    def cells(self) -> int:
        """Pictures of a recipe, and pairs of a comparison."""
        return self.subjects * self.seeds

    @property
    def reachable(self) -> bool:
        """Whether any result at all would be significant after Holm."""
        return self.contrasts > 0 and self.smallest_p_holm <= ALPHA


def power(design: Design, correlation: float = CORRELATION) -> Power:
    """What `design` can tell if two seeds of a subject correlate by `correlation`, 0 to 1.

    Raises ValueError on another correlation.
    """
    if not 0 <= correlation <= 1:
        raise ValueError(f"correlation: is {correlation}; it lies between 0 and 1")
    recipes, subjects, seeds = len(design.recipes), len(design.subjects), len(design.seeds)
    least = smallest_p(subjects)
    return Power(
        recipes=recipes,
        subjects=subjects,
        seeds=seeds,
        contrasts=recipes - 1,
        correlation=correlation,
        smallest_p=least,
        smallest_p_holm=min(1.0, least * max(1, recipes - 1)),
        detectable=detectable(subjects, seeds, recipes - 1, correlation),
        detectable_by_interval=_by_t(subjects, seeds, ALPHA, correlation),
        bound=upper_bound(0, subjects * seeds),
        bound_by_subject=upper_bound(0, subjects),
        bound_overall=upper_bound(0, recipes * subjects * seeds),
        needs=_needs(subjects, seeds, recipes - 1, correlation),
    )


def detectable(subjects: int, seeds: int, contrasts: int, correlation: float = CORRELATION) -> float | None:
    """The smallest effect that sign flips of subjects find with power TARGET after Holm, or None.

    At Bonferroni's level, which Holm asks of the first finding. The p of all flips comes in steps, so the
    level is the largest step below it. Where that is the first one, all subjects must agree in sign, which
    has a closed form; else the t test at that level stands in. By simulation sign flips then have 74% to 80%.
    """
    if contrasts < 1 or smallest_p(subjects) > ALPHA / contrasts:
        return None
    if subjects > MOST_EXACT:
        return _by_t(subjects, seeds, ALPHA / contrasts, correlation)
    steps = int(ALPHA / contrasts / smallest_p(subjects))
    if steps == 1:
        shift = normal_quantile(TARGET ** (1 / subjects))  # of one subject's mean, in its standard errors
        return shift * _error(1, seeds, correlation)
    return _by_t(subjects, seeds, steps * smallest_p(subjects), correlation)


def sentences(found: Power) -> list[str]:
    """What a design can tell, in plain words."""
    return [*_significance(found), *_effects(found), *_leaks(found)]


def _by_t(subjects: int, seeds: int, alpha: float, correlation: float) -> float | None:
    """The effect that a two-sided t test of the subjects' means finds with power TARGET."""
    if subjects < 2:
        return None
    critical = -t_quantile(subjects - 1, alpha / 2)
    return t_shift(subjects - 1, critical, above=TARGET) * _error(subjects, seeds, correlation)


def _error(subjects: int, seeds: int, correlation: float) -> float:
    """Standard error of a mean of unit variance: Kish's design effect 1 + (seeds - 1) correlation."""
    return sqrt((1 + (seeds - 1) * correlation) / (subjects * seeds))


def _needs(subjects: int, seeds: int, contrasts: int, correlation: float) -> Needs:
    # (1 - RATE)^n <= 1 - 0.95: as `upper_bound` of no hit in n.
    pictures = ceil(log(ALPHA) / log(1 - RATE))
    return Needs(
        subjects_for_p=clusters_needed(contrasts, ALPHA) if contrasts else None,
        subjects_for_effect=_fewest(lambda n: detectable(n, seeds, contrasts, correlation)),
        seeds_for_effect=_fewest(lambda n: detectable(subjects, n, contrasts, correlation)),
        pictures_for_rate=pictures,
        subjects_for_rate=ceil(pictures / seeds),
        seeds_for_rate=ceil(pictures / subjects),
    )


def _fewest(effect: Callable[[int], float | None]) -> int | None:
    """The first number from 1 to _MOST whose effect is at most EFFECT; effects only fall."""

    def enough(number: int) -> bool:
        found = effect(number)
        return found is not None and found <= EFFECT

    if not enough(_MOST):
        return None
    low, high = 0, _MOST
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _significance(found: Power) -> list[str]:
    if not found.contrasts:
        return ["One recipe: there is nothing to compare it with."]
    subjects = _count(found.subjects, "subject")
    comparisons = _count(found.contrasts, "comparison")
    p = f"{found.smallest_p:.3g}, {found.smallest_p_holm:.3g} after Holm over {comparisons}"
    if found.reachable:
        return [f"With {subjects} the smallest p of sign flips is {p}: a finding is possible."]
    verdict = f"No difference can be significant: with {subjects} the smallest p of sign flips is {p}."
    return [f"{verdict} {found.needs.subjects_for_p} subjects would do; more seeds would not."]


def _effects(found: Power) -> list[str]:
    assumed = f"if two seeds of a subject correlate by {found.correlation:g}, which is assumed"
    lines: list[str] = []
    if found.detectable is not None:
        lines.append(
            f"A difference of {found.detectable:.2f} standard deviations is found with {TARGET:.0%} power, "
            f"{assumed}."
        )
    elif found.contrasts and found.detectable_by_interval is not None:
        lines.append(
            f"The 95% interval of a single comparison leaves out zero with {TARGET:.0%} power from "
            f"{found.detectable_by_interval:.2f} standard deviations on, {assumed}."
        )
    return lines + _effect_needs(found)


def _effect_needs(found: Power) -> list[str]:
    if not found.contrasts or (found.detectable is not None and found.detectable <= EFFECT):
        return []
    ways: list[str] = []
    if (subjects := found.needs.subjects_for_effect) is not None:
        ways.append(f"{subjects} subjects with {_count(found.seeds, 'seed')} each")
    if (seeds := found.needs.seeds_for_effect) is not None:
        ways.append(f"{_count(found.subjects, 'subject')} with {seeds} seeds each")
    else:
        ways.append(f"no number of seeds does with {_count(found.subjects, 'subject')}")
    return [f"To find {EFFECT:g} standard deviations takes {'; '.join(ways)}."]


def _leaks(found: Power) -> list[str]:
    pictures = _count(found.cells, "picture")
    line = (
        f"If none of the {pictures} of a recipe leaks, its leakage is under {found.bound:.1%} with 95% "
        f"confidence, under {found.bound_by_subject:.1%} if all pictures of a subject leak or none"
    )
    if found.recipes > 1:
        line += f", and under {found.bound_overall:.1%} over all {found.recipes * found.cells}"
    return [f"{line}.", *_rate_needs(found)]


def _rate_needs(found: Power) -> list[str]:
    if found.bound <= RATE:
        return []
    needs = found.needs
    ways = (
        f"{needs.subjects_for_rate} subjects with {_count(found.seeds, 'seed')} each",
        f"{_count(found.subjects, 'subject')} with {needs.seeds_for_rate} seeds each",
    )
    return [f"To certify {RATE:.0%} takes {needs.pictures_for_rate} pictures a recipe: {' or '.join(ways)}."]


def _count(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else one + 's'}"
