"""A recipe is data: it reads back as written, its hash is its passes, what cannot be run is refused."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikebox.errors import RecipeError, SubjectError
from strikebox.recipe import (
    Edit,
    Handoff,
    ImageToImage,
    LoraUse,
    Pass,
    Recipe,
    Sigma,
    Strength,
    TextToImage,
    check_subject,
    dumps,
    load,
    parse,
    prompt_for,
    shipped,
)

SANDWICH = """
title = "Sandwich"
[[pass]]
kind = "text-to-image"
prompt = "{subject}"
steps = 28
guidance = 4.0
lora = { scale = 2.0 }
[[pass]]
kind = "image-to-image"
prompt = "{subject}"
steps = 28
guidance = 4.0
strength = 0.9
"""

finite = st.floats(-10, 10)
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{}"), max_size=20)
prompts = st.builds(
    "".join, st.lists(st.sampled_from(["{subject}", "{style}", "{other}"]) | words, max_size=4)
)
loras = st.builds(
    LoraUse,
    scale=finite,
    sigma=st.tuples(st.floats(0, 0.5), st.floats(0.51, 1)),
    blocks=st.dictionaries(words.filter(bool), finite, max_size=3).map(lambda d: tuple(d.items())),
    rank=st.none() | st.integers(1, 128),
)
common = {
    "prompt": prompts,
    "steps": st.integers(10, 60),
    "guidance": st.floats(1, 20),
    "lora": st.none() | loras,
}
handoffs = st.builds(
    Handoff, through=st.just("pixels"), keep=st.sampled_from(["whole", "mean", "phase-scrambled"])
) | st.builds(Handoff, through=st.just("pixels"), keep=st.just("low-pass"), cutoff=st.floats(0.1, 64))
starts = st.builds(Strength, st.floats(0.1, 0.9)) | st.builds(Sigma, st.floats(0.01, 0.99))
sizes = st.floats(0.1, 1)
firsts = st.builds(TextToImage, **common, size=sizes)
laters = st.builds(Edit, **common, size=sizes) | st.builds(
    ImageToImage, **common, size=sizes, start=starts, handoff=handoffs
)


@st.composite
def recipes(draw: st.DrawFn) -> Recipe:
    passes: list[Pass] = [draw(firsts), *draw(st.lists(laters, max_size=3))]
    passes[-1] = dataclasses.replace(passes[-1], size=1.0)
    return Recipe(
        name=draw(st.from_regex(r"\A[a-z0-9][a-z0-9.-]{0,20}[a-z0-9]\Z").filter(lambda n: n[-5:] != ".toml")),
        title=draw(words.filter(str.strip)),
        description=draw(words),
        arm=draw(st.none() | words),
        control_of=draw(st.none() | words),
        passes=tuple(passes),
    )


@given(recipe=recipes())
def test_a_recipe_reads_back_as_it_was_written(recipe: Recipe) -> None:
    again = parse(dumps(recipe), f"some/folder/{recipe.name}.toml")
    assert again == recipe
    assert again.hash == recipe.hash


@given(recipe=recipes(), title=words.filter(str.strip))
def test_the_hash_is_that_of_the_passes_alone(recipe: Recipe, title: str) -> None:
    renamed = dataclasses.replace(recipe, name="other", title=title, description="", arm="Z", control_of=None)
    assert renamed.hash == recipe.hash


@given(one=recipes(), other=recipes())
def test_recipes_that_differ_in_a_pass_differ_in_hash(one: Recipe, other: Recipe) -> None:
    assert (one.hash == other.hash) == (one.passes == other.passes)


def test_whole_numbers_are_floats() -> None:
    floats, wholes = SANDWICH, SANDWICH.replace("4.0", "4").replace("2.0", "2")
    assert parse(floats, "a").hash == parse(wholes, "a").hash
    assert LoraUse(scale=-0.0) == LoraUse(scale=0)
    blocks = (("b", 1), ("a", 2))
    assert LoraUse(scale=1, blocks=blocks) == LoraUse(scale=1.0, blocks=blocks[::-1])


def test_strength_and_sigma_of_one_value_are_different_recipes() -> None:
    assert parse(SANDWICH, "a").hash != parse(SANDWICH.replace("strength", "sigma"), "a").hash


def test_the_hash_never_changes() -> None:
    """Runs are found again by it."""
    assert load("sandwich").hash.startswith("4d785e3e4c40a801")
    assert load("gated").hash.startswith("4883f8bc50c7bcd7")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("strength = 0.9", "strength = 1.2", "pass 2: strength: is 1.2; it lies above 0 and at most at 1"),
        ("strength = 0.9", "strength = nan", "pass 2: strength: is nan"),
        (
            "strength = 0.9",
            "strength = 0.98",
            "pass 2: strength: is 0.98, which at 28 steps starts at sigma 1",
        ),
        ("strength = 0.9", "sigma = 1.0", "pass 2: sigma: is 1.0; it lies between 0 and 1"),
        ("strength = 0.9", "sigma = 0.8\nstrength = 0.9", "pass 2: sigma: stands beside strength"),
        ("strength = 0.9", "", "pass 2: sigma: is missing"),
        ("strength = 0.9", "strength = '0.9'", "pass 2: strength: is '0.9'; it is a number"),
        ("strength = 0.9", "strength = true", "pass 2: strength: is True; it is a number"),
        ("strength = 0.9", "strngth = 0.9", "pass 2: strngth: is no key here"),
        (
            "strength = 0.9",
            "strength = 0.9\ncolour = 1",
            "pass 2: colour: is no key here; the keys are kind,",
        ),
        (
            "strength = 0.9",
            "strength = 0.9\nhandoff = { keep = 'nothing' }",
            'pass 2: handoff: keep: is "nothing"',
        ),
        (
            "strength = 0.9",
            "strength = 0.9\nhandoff = { keep = 'low-pass' }",
            "pass 2: handoff: cutoff: is missing",
        ),
        ("strength = 0.9", "strength = 0.9\nhandoff = { cutoff = 2 }", "pass 2: handoff: cutoff: goes with"),
        ("strength = 0.9", "strength = 0.9\nhandoff = { via = 1 }", "pass 2: handoff: via: is no key here"),
        (
            "strength = 0.9",
            "strength = 0.9\nhandoff = { through = 'air' }",
            "pass 2: handoff: through: is 'air'",
        ),
        (
            "strength = 0.9",
            "strength = 0.9\nsize = 0.5",
            "pass 2: handoff: through: is latents, from size 1.0 to 0.5",
        ),
        ('kind = "image-to-image"', 'kind = "text-to-image"', "pass 2: strength: is no key here"),
        ('kind = "text-to-image"', 'kind = "edit"', "pass 1: kind: is edit, which needs a picture"),
        ('kind = "text-to-image"', 'kind = "inpaint"', "pass 1: kind: is 'inpaint'; it is one of"),
        ('kind = "text-to-image"', "", "pass 1: kind: is missing"),
        ("steps = 28", "steps = 0", "pass 1: steps: is 0"),
        ("steps = 28", "steps = 28.0", "pass 1: steps: is 28.0; it is a whole number"),
        ("steps = 28", "", "pass 1: steps: is missing; add it"),
        ("guidance = 4.0", "guidance = inf", "pass 1: guidance: is inf"),
        ("guidance = 4.0", "guidance = 0.5", "pass 1: guidance: is 0.5"),
        ("guidance = 4.0", "guidance = 1" + "0" * 400, "pass 1: guidance: is too large"),
        ("scale = 2.0", "scale = nan", "pass 1: lora: scale: is nan; it is a finite number"),
        ("scale = 2.0", "scale = 2.0, sigma = [0.8]", "pass 1: lora: sigma: is [0.8]; it is [low, high]"),
        ("scale = 2.0", "scale = 2.0, rank = 0", "pass 1: lora: rank: is 0; it is at least 1"),
        ("scale = 2.0", "scale = 2.0, rank = 8.0", "pass 1: lora: rank: is 8.0; it is a whole number"),
        ("scale = 2.0", "scale = 2.0, sigma = [0.8, 0.2]", "pass 1: lora: sigma: is [0.8, 0.2]"),
        (
            "scale = 2.0",
            "scale = 2.0, blocks = { a = 'x' }",
            "pass 1: lora: blocks: a: is 'x'; it is a number",
        ),
        ("lora = { scale = 2.0 }", "lora = 2.0", "pass 1: lora: is 2.0; it is a table"),
        ("{subject}", "{animal}", "pass 1: prompt: has '{animal}'"),
        ("{subject}", "{subject", "pass 1: prompt: has '{'"),
        ('title = "Sandwich"', "", "title: is missing"),
        ('title = "Sandwich"', "title = ' '", "title: is empty"),
        ('title = "Sandwich"', "title = 'S'\nversion = 2", "version: is no key here"),
        ("steps = 28", "steps = ", "is not TOML"),
    ],
)
def test_what_cannot_be_run_is_refused_with_file_and_key(old: str, new: str, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse(
            SANDWICH.replace(old, new, 1) if "pass 2" not in message else _replace_last(old, new), "mine.toml"
        )
    assert str(caught.value).startswith(f"mine.toml: {message}")
    assert "\n" not in str(caught.value)


def _replace_last(old: str, new: str) -> str:
    before, _, after = SANDWICH.rpartition(old)
    return before + new + after


@pytest.mark.parametrize("text", ['title = "x"', 'title = "x"\npass = []', 'title = "x"\npass = [1]'])
def test_a_recipe_has_passes(text: str) -> None:
    with pytest.raises(RecipeError, match="pass"):
        parse(text, "mine.toml")


def test_only_the_first_pass_starts_from_text() -> None:
    first = TextToImage(prompt="", steps=1, guidance=4)
    with pytest.raises(
        RecipeError, match="pass 2: kind: is text-to-image, which throws away what came before"
    ):
        Recipe(name="two", title="Two", passes=(first, first))


def test_the_last_pass_makes_the_picture() -> None:
    with pytest.raises(RecipeError, match=r"pass 1: size: is 0\.5; the last pass makes the picture"):
        Recipe(name="half", title="Half", passes=(TextToImage(prompt="", steps=1, guidance=4, size=0.5),))


def test_a_control_may_throw_pass_one_away() -> None:
    handoff = "strength = 1.0\nhandoff = { keep = 'nothing' }"
    control = _replace_last("strength = 0.9", handoff).replace("title", 'control_of = "sandwich"\ntitle', 1)
    assert parse(control, "mine.toml").control_of == "sandwich"


def test_shipped_recipes_are_those_of_the_ablation() -> None:
    arms = {recipe.arm: name for name in shipped() if (recipe := load(name)).arm}
    assert arms == {"A": "baseline", "B": "lora", "C": "sandwich", "D": "style-prompt", "E": "edit"}
    assert len({load(name).hash for name in shipped()}) == len(shipped())
    controls = [load(name) for name in shipped() if name.startswith("control-")]
    assert [c.control_of for c in controls] == ["sandwich"] * 5
    assert all(c.passes[1].prompt == load("sandwich").passes[1].prompt for c in controls)


def test_a_recipe_is_found_by_name_or_file(tmp_path: Path) -> None:
    file = tmp_path / "mine-0.8.toml"
    file.write_text(SANDWICH, "utf-8")
    assert load(file).name == "mine-0.8"
    assert load(str(file)).hash == load("sandwich").hash


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match="is not UTF-8 text"):
        load(binary)
    with pytest.raises(RecipeError, match="cannot be read"):
        load(tmp_path / "none.toml")
    with pytest.raises(RecipeError, match="cannot be read"):
        load(tmp_path)
    with pytest.raises(RecipeError, match=r"did you mean sandwich\?"):
        load("sandwhich")
    with pytest.raises(RecipeError, match="there are baseline, "):
        load("zzz")


def test_needs_names_the_placeholders() -> None:
    assert load("control-other-prompt").needs == {"subject", "other"}
    assert load("edit").needs == {"subject", "style"}
    assert not load("baseline").uses_lora
    assert load("edit").uses_lora


@given(subject=st.text(), style=st.text(), other=st.text())
def test_what_is_filled_in_is_not_read_again(subject: str, style: str, other: str) -> None:
    template = TextToImage(prompt="{other}|{subject}, {style}|{subject}", steps=1, guidance=1)
    assert prompt_for(template, subject, style, other) == f"{other}|{subject}, {style}|{subject}"


def test_a_prompt_says_which_words_it_lacks() -> None:
    with pytest.raises(RecipeError, match=r"needs \{style\}; give the LoRA's trigger words"):
        prompt_for(load("soft").passes[0], "cat")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        (" \n ", "is empty"),
        ("x" * 201, "has 201 characters"),
        ("a\x00b", r"character 2 is the invisible control U\+0000"),
        ("a\nb", "U\\+000A"),
        ("a\u202eb", "U\\+202E"),
        ("a\u2066b", "U\\+2066"),
        ("a\ud800b", "U\\+D800"),
        ("a\u2028b", "U\\+2028"),
    ],
)
def test_subjects_that_cannot_be_prompts_are_refused(text: str, message: str) -> None:
    with pytest.raises(SubjectError, match=message):
        check_subject(text)


@given(text=st.text())
def test_a_checked_subject_passes_again(text: str) -> None:
    try:
        subject = check_subject(text)
    except SubjectError:
        return
    assert check_subject(subject) == subject


def test_subjects_in_any_script_stay() -> None:
    assert check_subject(" кот и {лиса} ") == "кот и {лиса}"
    assert check_subject("cafe\u0301") == "café"
    assert check_subject("👩\u200d🚀") == "👩\u200d🚀"


def test_recipes_plans_and_blueprints_load_without_torch() -> None:
    imports = (
        "import sys, strikebox.recipe, strikebox.flow, strikebox.generation.cost, strikebox.lab.blueprint"
    )
    code = f"{imports}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
