"""What a design can tell: known figures, and that what is promised is found."""

import json
from collections.abc import Callable
from dataclasses import replace
from math import log

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from strikebox import api
from strikebox.cli import plan as cli
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design
from strikebox.lab.design import Design
from strikebox.lab.power import ALPHA, EFFECT, RATE, TARGET, detectable, power, sentences
from strikebox.lab.statistics import contrast


def planned(subjects: int, seeds: int, recipes: int = 5) -> Design:
    base = design.load("seed")
    return replace(
        base,
        recipes=base.recipes[:recipes],
        subjects=tuple(f"animal {n}" for n in range(subjects)),
        seeds=tuple(range(seeds)),
    )


def test_the_seed_design_can_prove_nothing_by_sign_flips() -> None:
    found = power(design.load("seed"))
    assert (found.subjects, found.seeds, found.cells, found.contrasts) == (5, 3, 15, 4)
    assert (found.smallest_p, found.smallest_p_holm, found.reachable) == (0.0625, 0.25, False)
    assert found.detectable is None
    assert found.needs.subjects_for_p == 8
    assert found.bound == pytest.approx(1 - 0.05 ** (1 / 15))
    assert found.bound_overall == pytest.approx(0.039, abs=5e-4)
    assert found.needs.pictures_for_rate == 299
    text = " ".join(sentences(found))
    for said in ("No difference can be significant", "0.0625", "8 subjects would do", "18.1%", "3.9%", "299"):
        assert said in text


@pytest.mark.parametrize(("pairs", "effect"), [(15, 0.78), (25, 0.58), (75, 0.33)])
def test_independent_pairs_detect_the_known_effects(pairs: int, effect: float) -> None:
    """The t test's textbook figures at 80% power."""
    assert detectable(pairs, seeds=1, contrasts=1) == pytest.approx(effect, abs=0.005)


@pytest.mark.parametrize(("subjects", "contrasts"), [(6, 1), (8, 1), (8, 4), (9, 4), (12, 4), (30, 1)])
def test_what_is_promised_is_found_four_times_in_five(subjects: int, contrasts: int) -> None:
    """Two seeds a subject, correlated by 0.3, at Bonferroni's level."""
    effect = detectable(subjects, 2, contrasts, correlation=0.3)
    assert effect is not None
    r, rounds, found = np.random.default_rng(7), 400, 0
    for _ in range(rounds):
        noise = 0.3**0.5 * r.normal(size=(subjects, 1)) + 0.7**0.5 * r.normal(size=(subjects, 2))
        values = {(str(i), j): effect + float(noise[i, j]) for i in range(subjects) for j in range(2)}
        p = contrast(values, dict.fromkeys(values, 0.0), r, draws=799).p
        found += p is not None and p <= ALPHA / contrasts
    # 74% to 80% by design; four standard errors of 400 rounds are 8%.
    assert 0.66 < found / rounds < 0.88
    assert TARGET == 0.8


def test_more_subjects_find_less() -> None:
    for contrasts in (1, 4, 9):
        effects = [found for n in range(1, 60) if (found := detectable(n, 3, contrasts)) is not None]
        assert effects == sorted(effects, reverse=True)


def test_what_would_do_does_and_one_less_does_not() -> None:
    needs = power(planned(10, 3)).needs
    assert needs.subjects_for_effect is not None
    enough = detectable(needs.subjects_for_effect, 3, 4)
    fewer = detectable(needs.subjects_for_effect - 1, 3, 4)
    assert enough is not None and fewer is not None
    assert enough <= EFFECT < fewer
    assert needs.subjects_for_rate * 3 >= 299 > (needs.subjects_for_rate - 1) * 3
    assert needs.seeds_for_rate * 10 >= 299 > (needs.seeds_for_rate - 1) * 10
    assert needs.pictures_for_rate - 1 < log(0.05) / log(1 - RATE) <= needs.pictures_for_rate


def test_seeds_help_until_the_subjects_limit() -> None:
    """With correlated seeds no number of them replaces subjects; with independent ones it does."""
    assert power(planned(12, 3)).needs.seeds_for_effect is None
    seeds = power(planned(12, 3), correlation=0.0).needs.seeds_for_effect
    assert seeds is not None
    enough, fewer = detectable(12, seeds, 4, 0.0), detectable(12, seeds - 1, 4, 0.0)
    assert enough is not None and fewer is not None
    assert enough <= EFFECT < fewer


def test_a_large_design_needs_nothing_more() -> None:
    found = power(planned(100, 3))
    assert found.reachable and found.bound <= RATE and found.detectable is not None
    assert found.detectable < EFFECT
    lines = sentences(found)
    assert len(lines) == 3
    assert "a finding is possible" in lines[0]
    assert "takes" not in " ".join(lines)


def test_one_recipe_one_subject_one_seed() -> None:
    found = power(planned(1, 1, recipes=1))
    assert (found.contrasts, found.reachable, found.detectable_by_interval) == (0, False, None)
    assert found.needs.subjects_for_p is None and found.needs.subjects_for_effect is None
    assert sentences(found)[0] == "One recipe: there is nothing to compare it with."
    assert "None" not in " ".join(sentences(power(planned(1, 1))) + sentences(found))


def test_a_correlation_lies_between_0_and_1() -> None:
    with pytest.raises(ValueError, match=r"correlation: is 1\.5"):
        power(planned(5, 3), correlation=1.5)


def _command() -> typer.Typer:
    app = typer.Typer()
    app.command()(cli.plan)
    return app


def _toy(lora_hash: str | None) -> Callable[[object], object]:
    return lambda _: ToyBackend(lora_hash=lora_hash).model


@pytest.mark.parametrize("lora_hash", [None, "toy-lora"])
def test_plan_on_the_command_line(monkeypatch: pytest.MonkeyPatch, lora_hash: str | None) -> None:
    monkeypatch.setattr(api, "describe_model", _toy(lora_hash))
    said = CliRunner().invoke(_command(), ["seed"])
    assert said.exit_code == 0, said.output
    text = " ".join(said.output.split())
    for part in (
        "The 75-image ablation: 5 recipes x 5 subjects x 3 seeds = 75 pictures",
        "2,070 guided steps, 2,910 if pictures shared nothing",
        "8 subjects would do",
    ):
        assert part in text
    facts = json.loads(CliRunner().invoke(_command(), ["seed", "--json"]).output)
    assert (facts["pictures"], facts["guided_steps"]) == (75, 2070)
    assert facts["power"]["smallest_p"] == 0.0625
    assert facts["power"]["detectable"] is None
    assert facts["power"]["needs"]["pictures_for_rate"] == 299
    assert 0 < facts["flops"] < facts["flops_alone"]
