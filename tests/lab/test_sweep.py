"""A sweep is recipes: each is the base at one value, shares what it can, and is found again."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikebox import recipe
from strikebox.errors import DesignError, RecipeError
from strikebox.generation.backend import Size
from strikebox.generation.plan import make_plan
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design, sweep
from strikebox.lab.blueprint import blueprint
from strikebox.lab.blueprint_text import lora_words
from strikebox.lab.sweep import OVERS, Over, at_value, series, value_of
from strikebox.recipe import ImageToImage, LoraUse, Sigma, load

# As klein-nano is: 128 pixels a side, 64 tokens. Start sigmas, and so what is shared, depend on it.
NANO = replace(ToyBackend(size=Size(height=128, width=128)).model, name="nano")

HEAD = 'title = "Swept"\nsubjects = ["cat", "dog"]\nseeds = [1]\nstyle = "matchbox style"\n'
SWEEP = '[sweep]\nrecipe = "style-prompt"\nover = "lora_scale"\nvalues = "0-2 [5]"\n'


def lora_of(made: recipe.Recipe) -> LoraUse:
    use = made.passes[0].lora
    assert use is not None
    return use


def test_a_design_may_be_a_sweep_alone_or_recipes_and_a_sweep() -> None:
    alone = design.parse(HEAD + SWEEP, "d.toml")
    assert [lora_of(r).scale for r in alone.recipes] == [0, 0.5, 1, 1.5, 2]
    assert [r.name for r in alone.recipes][:2] == [
        "style-prompt-lora_scale-0",
        "style-prompt-lora_scale-0.5",
    ]
    both = design.parse(HEAD + 'recipes = ["baseline", "sandwich"]\n' + SWEEP, "d.toml")
    assert [r.name for r in both.recipes[:2]] == ["baseline", "sandwich"]
    assert both.recipes[2:] == alone.recipes


@pytest.mark.parametrize(
    ("values", "read"),
    [('"0-1 (+0.25)"', [0, 0.25, 0.5, 0.75, 1]), ("[2, 0.5]", [2, 0.5]), ('"0.5, 1-2 [2]"', [0.5, 1, 2])],
)
def test_values_are_a_range_or_a_list(values: str, read: list[float]) -> None:
    swept = design.parse(HEAD + SWEEP.replace('"0-2 [5]"', values), "d.toml")
    assert [lora_of(r).scale for r in swept.recipes] == read


def test_the_swept_recipe_may_be_a_file_beside_the_design(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(recipe.dumps(load("soft")))
    (tmp_path / "d.toml").write_text(HEAD + SWEEP.replace("style-prompt", "mine.toml"))
    assert design.load(tmp_path / "d.toml").recipes[0].name == "mine-lora_scale-0"


@pytest.mark.parametrize(
    ("base", "over", "value", "expected"),
    [
        ("sandwich", "lora_scale", 0.5, [(28, 0.5, None, (0, 1), None), (28, None, None, None, 0.9)]),
        ("sandwich", "start_sigma", 0.8, [(28, 2.0, None, (0, 1), None), (28, None, None, None, 0.8)]),
        ("sandwich-0.8", "steps", 12, [(12, 1.0, None, (0, 1), None), (12, None, None, None, 0.8)]),
        ("gated", "rank", 4, [(28, 1.0, 4, (0.8, 1), None)]),
        ("gated", "gate_sigma", 0.5, [(28, 1.0, None, (0.5, 1), None)]),
        ("edit", "rank", 2, [(28, None, None, None, None), (28, 1.0, 2, (0, 1), None)]),
    ],
)
def test_a_value_goes_to_the_passes_to_which_it_applies(
    base: str, over: Over, value: float, expected: list[tuple[object, ...]]
) -> None:
    """Of each pass: steps, LoRA's scale, rank and interval, start."""
    made = at_value(load(base), over, value)
    found = [
        (
            p.steps,
            p.lora and p.lora.scale,
            p.lora and p.lora.rank,
            p.lora and p.lora.sigma,
            p.start.value if isinstance(p, ImageToImage) else None,
        )
        for p in made.passes
    ]
    assert found == expected
    assert made.arm is None


def test_a_start_is_a_sigma_whatever_it_was() -> None:
    start = at_value(load("sandwich"), "start_sigma", 0.7).passes[1]
    assert isinstance(start, ImageToImage)
    assert start.start == Sigma(0.7)


@given(over=st.sampled_from(OVERS), numbers=st.lists(st.integers(1, 99), min_size=1, max_size=5, unique=True))
def test_a_sweep_is_found_again_by_name_and_passes(over: Over, numbers: list[int]) -> None:
    values = [number if over in {"steps", "rank"} else number / 100 for number in numbers]
    made = [at_value(load("sandwich-0.8"), over, value) for value in values]
    (found,) = series([load("sandwich-0.8"), *made, load("baseline")])
    assert (found.base, found.over) == ("sandwich-0.8", over)
    assert [(p.value, p.recipe) for p in found.points] == list(zip(values, made, strict=True))


def test_a_name_alone_makes_no_series() -> None:
    """Its passes must say the value too; a sweep of nothing has no value."""
    pretender = replace(load("style-prompt"), name="style-prompt-lora_scale-0.5")
    assert series([pretender, load("baseline")]) == ()
    assert value_of(load("baseline"), "lora_scale") is None
    assert value_of(load("sandwich"), "start_sigma") is None  # it says a strength


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ('[sweep]\nover = "steps"\nvalues = "1-2 [2]"', "sweep: recipe: is missing"),
        ('[sweep]\nrecipe = "lora"\nvalues = "1-2 [2]"', "sweep: over: is missing; it is one of lora_scale"),
        (SWEEP.replace("lora_scale", "guidance"), "sweep: over: is 'guidance'; it is one of lora_scale"),
        (SWEEP + "step = 1", "sweep: step: is no key here; the keys are recipe, over, values"),
        (SWEEP.replace('values = "0-2 [5]"', ""), "sweep: values: is None; it is a range such as"),
        (SWEEP.replace('"0-2 [5]"', "[]"), r"sweep: values: is \[\]; it is a range such as"),
        (SWEEP.replace('"0-2 [5]"', "[1, 'x']"), "sweep: values: one: is 'x'; it is a number"),
        (SWEEP.replace('"0-2 [5]"', "[1, inf]"), "sweep: values: one is inf"),
        (SWEEP.replace('"0-2 [5]"', "[1, 1.0]"), "sweep: values: 1 stands there twice"),
        (SWEEP.replace("0-2 [5]", "0-2"), "sweep: values: '0-2' is no range; write 0-1"),
        (SWEEP.replace("style-prompt", "baseline"), "lora_scale 0: baseline has no pass that uses a LoRA"),
        (SWEEP.replace("lora_scale", "start_sigma"), "style-prompt has no pass that is image-to-image"),
        (SWEEP.replace("lora_scale", "steps"), "sweep: steps 0: steps: is 0; it lies between 1 and 1000"),
        (SWEEP.replace("lora_scale", "rank"), "sweep: rank 0: rank: is 0; it is at least 1"),
        (SWEEP.replace("lora_scale", "rank").replace("0-2", "1-2"), r"rank 1\.25: is no whole number"),
        (SWEEP.replace("lora_scale", "gate_sigma"), r"gate_sigma 1: sigma: is \[1\.0, 1\.0\]"),
        (SWEEP.replace("style-prompt", "sandwich").replace("lora_scale", "steps").replace("0-2 [5]", "4"),
         "steps 4: pass 2: strength: is 0.9, which at 4 steps starts at sigma 1"),
        ("sweep = 3", "sweep: table: is 3; it is a table"),
        ("", "recipes: is missing"),
    ],
)  # fmt: skip
def test_what_cannot_be_swept_is_refused_with_the_reason(table: str, said: str) -> None:
    with pytest.raises(DesignError, match=rf"d\.toml: .*{said}") as caught:
        design.parse(HEAD + table + "\n", "d.toml")
    assert "\n" not in str(caught.value)


def test_a_point_that_is_a_listed_recipe_is_one_too_many() -> None:
    with pytest.raises(DesignError, match="style-prompt-lora_scale-1 has the very passes of style-prompt"):
        design.parse(HEAD + 'recipes = ["style-prompt"]\n' + SWEEP, "d.toml")


def test_a_swept_recipe_that_is_not_there() -> None:
    with pytest.raises(RecipeError, match="did you mean style-prompt"):
        design.parse(HEAD + SWEEP.replace("style-prompt", "style-promt"), "d.toml")


@pytest.mark.parametrize(
    ("name", "points", "steps", "alone"),
    [
        ("sweep-gate", 7, 118, 224),  # gates share what lies above them
        ("sweep-sigma", 7, 152, 348),  # start sigmas share pass 1, which is style-prompt's picture
        ("sweep-steps", 6, 102, 102),
        ("sweep-scale", 7, 224, 224),
        ("sweep-rank", 5, 196, 196),
    ],
)
def test_guided_steps_of_shipped_sweeps(name: str, points: int, steps: int, alone: int) -> None:
    """For each of 15 subjects and seeds. Scales, ranks and step counts differ from the first step on."""
    swept = design.load(name)
    (found,) = series(swept.recipes)
    assert len(found.points) == points
    plan = make_plan(design.cells(swept, NANO), NANO)
    assert (plan.guided_steps, plan.guided_steps_alone) == (15 * steps, 15 * alone)


def test_the_blueprint_names_the_rank() -> None:
    (station,) = blueprint(at_value(load("gated"), "rank", 8), NANO).stations
    assert lora_words(station).startswith("LoRA at 1.0 cut to rank 8 above sigma 0.8")


def test_every_title_differs() -> None:
    for over in OVERS:
        titles = {at_value(load("sandwich-0.8"), over, v).title for v in _some(over)}
        assert len(titles) == 3
        assert set(sweep.TITLES) == set(OVERS)


def _some(over: Over) -> tuple[float, ...]:
    return (1, 2, 4) if over in {"steps", "rank"} else (0.25, 0.5, 0.75)
