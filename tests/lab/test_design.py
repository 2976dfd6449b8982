from dataclasses import replace
from pathlib import Path

import pytest

from strikebox import recipe
from strikebox.errors import DesignError, LoraError, RecipeError, StrikeboxError, SubjectError
from strikebox.generation.backend import Size
from strikebox.generation.plan import make_plan
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design
from strikebox.lab.design import cells, dumps, load, parse

MODEL = ToyBackend().model

SMALL = """
title = "Small"
recipes = ["baseline", "sandwich"]
subjects = ["cat", "dog"]
seeds = [1, 2]
"""


def test_the_seed_design_is_five_arms_of_five_animals_in_three_seeds() -> None:
    seed = load("seed")
    assert [r.arm for r in seed.recipes] == ["A", "B", "C", "D", "E"]
    assert seed.subjects == ("cat", "dog", "fox", "bear", "owl")
    made = cells(seed, MODEL)
    assert len({cell.key for cell in made}) == 75
    plan = make_plan(made, MODEL)
    assert (plan.guided_steps, plan.guided_steps_alone) == (138 * 15, 194 * 15)
    assert {cell.prompts[-1] for cell in made if cell.subject == "owl"} == {"owl", "owl, matchbox style"}


@pytest.mark.parametrize("name", design.shipped())
def test_shipped_designs_can_be_planned(name: str) -> None:
    shipped = load(name)
    assert len(make_plan(cells(shipped, MODEL), MODEL).cells) == len(shipped.recipes) * 15


def test_the_controls_are_the_baseline_the_sandwich_and_all_its_controls() -> None:
    controls = {name for name in recipe.shipped() if recipe.load(name).control_of == "sandwich"}
    assert {r.name for r in load("controls").recipes} == {"baseline", "sandwich"} | controls


def test_other_is_the_next_subject_round_and_round() -> None:
    made = cells(load("controls"), MODEL)
    pairs = {c.prompts for c in made if c.recipe.name == "control-other-prompt"}
    assert pairs == {("dog", "cat"), ("fox", "dog"), ("bear", "fox"), ("owl", "bear"), ("cat", "owl")}


@pytest.mark.parametrize("name", design.shipped())
def test_a_design_written_out_with_its_recipes_reads_the_same(tmp_path: Path, name: str) -> None:
    original = replace(load(name), size=Size(height=64, width=96))
    (tmp_path / "recipes").mkdir()
    for used in original.recipes:
        (tmp_path / "recipes" / f"{used.name}.toml").write_text(recipe.dumps(used))
    (tmp_path / f"{name}.toml").write_text(dumps(original))
    assert load(tmp_path / f"{name}.toml") == original


def test_recipes_lie_relative_to_the_design(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "own.toml").write_text(recipe.dumps(recipe.load("soft")))
    (tmp_path / "design.toml").write_text(SMALL.replace('"sandwich"', '"mine/own.toml"') + 'style = "x"\n')
    monkeypatch.chdir("/")
    assert [r.name for r in load(tmp_path / "design.toml").recipes] == ["baseline", "own"]


@pytest.mark.parametrize(
    ("written", "size"),
    [
        ("", Size(height=64, width=64)),
        ("size = 32", Size(height=32, width=32)),
        ("size = { width = 48, height = 32 }", Size(height=32, width=48)),
    ],
)
def test_size(written: str, size: Size) -> None:
    assert {cell.size for cell in cells(parse(SMALL + written, "small"), MODEL)} == {size}


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        (("", 'stlye = "x"\n'), DesignError, "small.toml: stlye: is no key here; the keys are title"),
        (('title = "Small"', ""), DesignError, "title: is missing"),
        (("seeds = [1, 2]", ""), DesignError, "seeds: is missing"),
        (("seeds = [1, 2]", "seeds = []"), DesignError, "seeds: is empty"),
        (("seeds = [1, 2]", "seeds = [1, 1]"), DesignError, "seeds: 1 stands there twice"),
        (("seeds = [1, 2]", "seeds = [1, -2]"), DesignError, "seeds: one is -2; each lies between 0"),
        (("seeds = [1, 2]", "seeds = [1, true]"), DesignError, "list of whole numbers"),
        (("seeds = [1, 2]", "seeds = 3"), DesignError, "seeds: is 3; it is a list"),
        (('["cat", "dog"]', '["cat", " cat "]'), DesignError, "subjects: cat stands there twice"),
        (('["cat", "dog"]', '["cat", 3]'), DesignError, "list of texts"),
        (('["cat", "dog"]', '["cat\\u0007"]'), SubjectError, "small.toml: subject: character 4"),
        (('"sandwich"', '"baseline"'), DesignError, "recipes: baseline stands there twice"),
        (('"sandwich"', '"sandwhich"'), RecipeError, "did you mean sandwich"),
        (('"sandwich"', '"none.toml"'), RecipeError, "none.toml: cannot be read"),
        (("", "size = 1.5\n"), DesignError, "size: is 1.5; it is a number of pixels"),
        (("", "size = { width = 3 }\n"), DesignError, "height: is missing"),
        (("", "size = { width = 3, height = 3, depth = 3 }\n"), DesignError, "depth: is no key"),
        (("", "= 3"), DesignError, "small.toml: is not TOML"),
    ],
)  # fmt: skip
def test_what_cannot_be_run_is_refused_with_file_key_and_reason(
    change: tuple[str, str], error: type[StrikeboxError], said: str
) -> None:
    text = SMALL.replace(*change) if change[0] else SMALL + change[1]
    with pytest.raises(error, match=said) as caught:
        parse(text, "small.toml")
    assert "\n" not in str(caught.value)


def test_one_subject_has_no_other() -> None:
    text = SMALL.replace('"sandwich"', '"control-other-prompt"').replace('["cat", "dog"]', '["cat"]')
    with pytest.raises(DesignError, match=r"control-other-prompt asks for \{other\}; give a second subject"):
        parse(text, "small")


def test_two_recipes_of_the_same_passes_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "copy.toml").write_text(recipe.dumps(recipe.load("baseline")).replace("Baseline", "Copy"))
    with pytest.raises(DesignError, match="copy has the very passes of baseline"):
        parse(SMALL.replace('"sandwich"', '"copy.toml"'), str(tmp_path / "small.toml"))


def test_a_design_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match=r"sed: is no shipped design .* there are audit, better, controls"):
        load("sed")
    with pytest.raises(DesignError, match="cannot be read"):
        load(tmp_path / "none.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(DesignError, match="not UTF-8"):
        load(tmp_path / "binary.toml")


def test_a_style_that_nobody_gave_and_a_lora_that_is_not_there() -> None:
    with pytest.raises(RecipeError, match="trigger words"):
        cells(parse(SMALL.replace('"sandwich"', '"soft"'), "small"), MODEL)
    with pytest.raises(LoraError, match="there is none"):
        cells(parse(SMALL, "small"), ToyBackend(lora_hash=None).model)
