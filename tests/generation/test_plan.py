"""A plan shares what is equal, nothing else, and leaves every cell what it would take alone."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strikebox.errors import DesignError, LoraError, ModelError, SubjectError
from strikebox.flow import pass_sigmas
from strikebox.generation.backend import Architecture, LoraState, Model, Size
from strikebox.generation.plan import (
    Cell,
    Continue,
    FromHandoff,
    FromNoise,
    Plan,
    Segment,
    make_cell,
    make_plan,
    noise_seed,
)
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
    load,
    shipped,
)

ARMS = ("baseline", "lora", "sandwich", "style-prompt", "edit")
SUBJECTS = ("cat", "dog", "fox", "bear", "owl")
NANO = Model(
    name="nano",
    hash="weights",
    lora_name="labels",
    lora_hash="adapter",
    size=Size(height=128, width=128),
    pixels_per_token=16,
    distilled=False,
    architecture=Architecture(
        double_blocks=2, single_blocks=4, dim=64, mlp_ratio=3, in_channels=64, text_dim=96, text_tokens=24
    ),
)


def cell(recipe: Recipe | str, subject: str = "cat", seed: int = 1, model: Model = NANO) -> Cell:
    recipe = load(recipe) if isinstance(recipe, str) else recipe
    return make_cell(recipe, subject, seed, model, style="matchbox style", other="dog")


def plan(*recipes: Recipe | str) -> Plan:
    return make_plan([cell(recipe) for recipe in recipes], NANO)


def recipe_of(*passes: Pass) -> Recipe:
    return Recipe(name="test", title="Test", control_of="another", passes=passes)


def end_of(*passes: Pass, **of_cell: object) -> str:
    """Key of the picture that the passes make."""
    made = replace(cell(recipe_of(*passes)), **of_cell)
    return make_plan([made], NANO).paths[made.key][-1].key


# The 75-image design


def test_one_subject_and_seed_of_the_five_arms_takes_138_steps_and_not_194() -> None:
    shared = plan(*ARMS)
    assert (shared.guided_steps, shared.guided_steps_alone) == (138, 194)


def test_the_75_image_design_takes_fifteen_times_as_many() -> None:
    cells = [cell(arm, subject, seed) for arm in ARMS for subject in SUBJECTS for seed in (1, 2, 3)]
    shared = make_plan(cells, NANO)
    assert len(cells) == len(shared.paths) == 75
    assert (shared.guided_steps, shared.guided_steps_alone) == (15 * 138, 15 * 194)


def test_the_lora_picture_is_pass_one_of_the_sandwich() -> None:
    shared = plan("lora", "sandwich")
    picture = shared.paths[shared.cells[0].key][-1]
    first, second = shared.paths[shared.cells[1].key]
    assert first is picture
    assert isinstance(second.entry, FromHandoff)
    assert second.entry.parent == picture.key
    assert second.entry.sigma == second.sigmas[0] == pytest.approx(0.987, abs=1e-3)


def test_the_baseline_picture_is_what_edit_looks_at() -> None:
    shared = plan("baseline", "edit")
    edited = shared.paths[shared.cells[1].key][-1]
    assert edited.reference == shared.paths[shared.cells[0].key][-1].key
    assert edited.reference_size == NANO.size
    assert edited.entry == FromNoise(seed=1, draw=1, size=NANO.size)


def test_gated_begins_as_style_prompt_does() -> None:
    shared = plan("style-prompt", "gated")
    trained, gated = (shared.paths[c.key] for c in shared.cells)
    assert trained[0] is gated[0]
    assert trained[0].sigmas[-2] > 0.8 >= trained[0].sigmas[-1]
    assert [s.lora for s in gated] == [LoraState(scale=1.0), None]
    assert [s.lora for s in trained] == [LoraState(scale=1.0)] * 2


def test_nothing_handed_over_costs_nothing() -> None:
    shared = plan("control-no-pass-1")
    (only,) = shared.segments
    assert isinstance(only.entry, FromHandoff)
    assert only.entry.parent is None
    assert (only.entry.draw, only.steps) == (1, 26)
    assert shared.guided_steps == shared.guided_steps_alone == 26


def test_another_prompts_pass_one_is_the_other_cells_picture() -> None:
    shared = make_plan([cell("lora", "dog"), cell("control-other-prompt", "cat")], NANO)
    assert shared.guided_steps == 28 + 26


def test_a_thumbnail_is_planned_at_its_own_size() -> None:
    small, large = plan("thumbnail").segments
    assert (small.size, large.size) == (Size(height=64, width=64), NANO.size)
    assert small.sigmas == pass_sigmas(load("thumbnail").passes[0], 16)
    assert large.sigmas == pass_sigmas(load("thumbnail").passes[1], 64)


# Whatever the recipes


sigma_marks = st.sampled_from([0.0, 0.3, 0.8, 0.9, 1.0])
intervals = st.tuples(sigma_marks, sigma_marks).filter(lambda ends: ends[0] < ends[1])
loras = st.none() | st.builds(LoraUse, scale=st.sampled_from([0.0, 1.0, 2.0]), sigma=intervals)
common = {
    "prompt": st.sampled_from(["{subject}", "{subject}, {style}"]),
    "steps": st.sampled_from([10, 12]),
    "guidance": st.sampled_from([1.0, 4.0]),
    "lora": loras,
}
starts = st.sampled_from([Strength(0.9), Strength(0.5), Sigma(0.8)])
handoffs = st.sampled_from(
    [Handoff(), Handoff(keep="mean"), Handoff(keep="nothing"), Handoff(through="pixels")]
)
laters = st.builds(ImageToImage, **common, start=starts, handoff=handoffs) | st.builds(Edit, **common)
recipes = st.builds(
    lambda first, later: recipe_of(first, *later),
    st.builds(TextToImage, **common),
    st.lists(laters, max_size=2),
)
many_cells = st.lists(
    st.builds(cell, recipes, st.sampled_from(["cat", "dog"]), st.sampled_from([1, 2])), min_size=1, max_size=8
)


@given(cells=many_cells)
def test_every_cell_takes_the_sigmas_that_it_takes_alone(cells: list[Cell]) -> None:
    shared = make_plan(cells, NANO)
    for each in cells:
        assert _passes_of(shared.paths[each.key]) == _sigmas_alone(each)


@given(cells=many_cells)
def test_a_cell_ends_in_the_same_latents_in_every_plan(cells: list[Cell]) -> None:
    """So what one run has made serves another, whatever else the two make."""
    shared = make_plan(cells, NANO)
    for each in cells:
        alone = make_plan([each], NANO)
        assert alone.paths[each.key][-1].key == shared.paths[each.key][-1].key
        assert alone.guided_steps <= alone.guided_steps_alone


@given(cells=many_cells)
def test_no_step_is_planned_twice(cells: list[Cell]) -> None:
    shared = make_plan(cells, NANO)
    ends = [
        (s.entry, s.sigmas[0], s.prompt, s.guidance, s.lora, s.reference, s.sigmas[1])
        for s in shared.segments
    ]
    assert len(set(ends)) == len(ends)
    assert shared.guided_steps <= shared.guided_steps_alone
    assert {s.key for path in shared.paths.values() for s in path} == {s.key for s in shared.segments}


@given(cells=many_cells)
def test_every_segment_comes_after_what_it_needs(cells: list[Cell]) -> None:
    done: set[str] = set()
    for segment in make_plan(cells, NANO).segments:
        assert done.issuperset(segment.needs)
        done.add(segment.key)


@given(cells=many_cells)
def test_the_lora_is_as_the_recipe_says_at_every_step(cells: list[Cell]) -> None:
    shared = make_plan(cells, NANO)
    for each in cells:
        needed = each.recipe.passes[-len(_passes_of(shared.paths[each.key])) :]
        prompts = each.prompts[-len(needed) :]
        draw = -1
        for segment in shared.paths[each.key]:
            draw += not isinstance(segment.entry, Continue)
            assert (segment.prompt, segment.guidance) == (prompts[draw], needed[draw].guidance)
            use = needed[draw].lora
            for sigma in segment.sigmas[:-1]:
                on = use is not None and use.scale != 0 and use.sigma[0] < sigma <= use.sigma[1]
                assert (segment.lora is not None) == on
                assert segment.lora is None or segment.lora.scale == use.scale  # type: ignore[union-attr]


def _passes_of(path: Sequence[Segment]) -> list[tuple[float, ...]]:
    """Sigmas of each pass of a way through the plan, segments put together."""
    passes: list[tuple[float, ...]] = []
    before = None
    for segment in path:
        if isinstance(segment.entry, Continue):
            assert before is not None
            assert segment.entry.parent == before.key
            assert passes[-1][-1] == segment.sigmas[0]
            passes[-1] += segment.sigmas[1:]
        else:
            passes.append(segment.sigmas)
        before = segment
    return passes


def _sigmas_alone(each: Cell) -> list[tuple[float, ...]]:
    passes: list[tuple[float, ...]] = []
    for pass_ in each.recipe.passes:
        if isinstance(pass_, ImageToImage) and pass_.handoff.keep == "nothing":
            passes.clear()
        passes.append(pass_sigmas(pass_, 64))
    return passes


# What makes a difference


TEXT = TextToImage(prompt="{subject}", steps=10, guidance=4, lora=LoraUse(scale=1))
IMAGE = ImageToImage(prompt="{subject}", steps=10, guidance=4, lora=LoraUse(scale=1), start=Sigma(0.8))
EDIT = Edit(prompt="{subject}", steps=10, guidance=4, lora=LoraUse(scale=1))
CHANGES: dict[str, object] = {
    "prompt": "{style}",
    "steps": 11,
    "guidance": 5,
    "start": Sigma(0.7),
    "handoff": Handoff(keep="mean"),
}
LORA_CHANGES = [
    None,
    LoraUse(scale=2),
    LoraUse(scale=1, sigma=(0.5, 1)),
    LoraUse(scale=1, sigma=(0, 0.5)),
    LoraUse(scale=1, blocks=(("a", 0.5),)),
    LoraUse(scale=1, rank=4),
]


@pytest.mark.parametrize("field", ["prompt", "steps", "guidance", "start", "handoff"])
@pytest.mark.parametrize("before", [(), (TEXT,)], ids=["first pass", "second pass"])
def test_changing_any_field_of_a_pass_changes_its_latents(field: str, before: tuple[Pass, ...]) -> None:
    passes = [TEXT] if not before else [IMAGE, EDIT]
    for pass_ in passes:
        if field in pass_.__slots__:
            changed = replace(pass_, **{field: CHANGES[field]})
            assert end_of(*before, pass_) != end_of(*before, changed)
            assert end_of(*before, pass_, IMAGE) != end_of(*before, changed, IMAGE)


@pytest.mark.parametrize("use", LORA_CHANGES, ids=["off", "scale", "below", "above", "blocks", "rank"])
def test_changing_the_lora_changes_the_latents(use: LoraUse | None) -> None:
    assert end_of(TEXT) != end_of(replace(TEXT, lora=use))
    assert end_of(TEXT, EDIT) != end_of(TEXT, replace(EDIT, lora=use))


def test_kinds_seeds_subjects_sizes_and_weights_change_the_latents() -> None:
    plain = cell(recipe_of(TEXT))
    others = [
        cell(recipe_of(TEXT, EDIT)),
        cell(recipe_of(TEXT, IMAGE)),
        cell(recipe_of(TEXT, replace(IMAGE, handoff=Handoff(through="pixels")))),
        cell(recipe_of(TEXT, replace(IMAGE, handoff=Handoff(keep="low-pass", cutoff=2)))),
        cell(recipe_of(TEXT, replace(IMAGE, handoff=Handoff(keep="low-pass", cutoff=3)))),
        cell(recipe_of(TEXT), seed=2),
        cell(recipe_of(TEXT), subject="dog"),
        make_cell(recipe_of(TEXT), "cat", 1, NANO, size=Size(height=64, width=256)),
    ]
    shared = make_plan([plain, *others], NANO)
    keys = [path[-1].key for path in shared.paths.values()]
    for other_model in (replace(NANO, hash="other"), replace(NANO, lora_hash="other")):
        moved = cell(recipe_of(TEXT), model=other_model)
        keys.append(make_plan([moved], other_model).paths[moved.key][-1].key)
    assert len(set(keys)) == len(keys) == 11


def test_a_picture_without_lora_does_not_depend_on_which_lora_is_loaded() -> None:
    other = replace(NANO, lora_hash="other")
    for name, same in (("baseline", True), ("lora", False)):
        one, two = cell(name), cell(name, model=other)
        assert (one.key == two.key) == same
        ends = [make_plan([c], m).paths[c.key][-1].key for c, m in ((one, NANO), (two, other))]
        assert (ends[0] == ends[1]) == same


def test_a_lora_at_scale_zero_is_no_lora() -> None:
    assert end_of(replace(TEXT, lora=LoraUse(scale=0))) == end_of(replace(TEXT, lora=None))


def test_equal_cells_are_made_once() -> None:
    shared = plan("lora", "lora")
    assert (shared.guided_steps, shared.guided_steps_alone) == (28, 56)


def test_a_long_sweep_of_gates_is_a_comb() -> None:
    """Each tooth leaves the shared stem at its own sigma; passes of many segments come together again."""
    sigmas = pass_sigmas(TextToImage(prompt="", steps=400, guidance=4), 64)[1:-1]
    teeth = [
        recipe_of(TextToImage(prompt="{subject}", steps=400, guidance=4, lora=LoraUse(scale=1, sigma=(s, 1))))
        for s in sigmas
    ]
    shared = plan(*teeth)
    assert max(len(path) for path in shared.paths.values()) == len(teeth) + 1
    assert all(sum(s.steps for s in path) == 400 for path in shared.paths.values())
    assert shared.guided_steps == 399 + sum(range(1, 400))


# Noise and bad input


def test_each_pass_draws_its_own_noise_and_the_first_the_stock_pipelines() -> None:
    assert noise_seed(7, 0) == 7
    assert len({noise_seed(7, draw) for draw in range(100)}) == 100
    assert 0 <= noise_seed(2**32 - 1, 3) < 2**32


def test_shipped_recipes_can_all_be_planned_together() -> None:
    shared = plan(*shipped())
    assert len(shared.paths) == len(shipped())
    assert shared.guided_steps < shared.guided_steps_alone
    assert all(a > b for s in shared.segments for a, b in pairwise(s.sigmas))


def test_bad_cells_are_refused() -> None:
    with pytest.raises(DesignError, match="seed: is -1"):
        cell("lora", seed=-1)
    with pytest.raises(SubjectError):
        cell("lora", subject="\u202ecat")
    with pytest.raises(LoraError, match="recipe lora uses a LoRA and there is none"):
        cell("lora", model=replace(NANO, lora_hash=None))
    with pytest.raises(ModelError, match="nano cannot make 120 x 128 px; sides are multiples of 16"):
        make_cell(load("lora"), "cat", 1, NANO, size=Size(height=128, width=120))
    with pytest.raises(ModelError, match="cannot make 24 x 24 px"):
        make_cell(load("thumbnail"), "cat", 1, NANO, style="", size=Size(height=48, width=48))
