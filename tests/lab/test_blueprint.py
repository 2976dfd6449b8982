"""A blueprint says what the flow, the cost and the recipe say, and draws it to scale."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from math import log2

import pytest

from strikebox.errors import ModelError
from strikebox.flow import Band, LatentSpectrum
from strikebox.generation.backend import Architecture, Model, Size
from strikebox.generation.cost import cost_shared
from strikebox.generation.plan import make_cell, make_plan
from strikebox.lab.blueprint import Blueprint, Crossing, blueprint
from strikebox.lab.blueprint_svg import svg
from strikebox.lab.blueprint_text import flops_words, mermaid
from strikebox.recipe import Handoff, ImageToImage, LoraUse, Recipe, load, shipped

MODEL = Model(
    name="klein-4b",
    hash="weights",
    lora_name="labels",
    lora_hash="adapter",
    size=Size(height=1024, width=1024),
    pixels_per_token=16,
    distilled=False,
    architecture=Architecture(
        double_blocks=5,
        single_blocks=20,
        dim=3072,
        mlp_ratio=3,
        in_channels=128,
        text_dim=7680,
        text_tokens=512,
    ),
)
SMALL = Size(height=128, width=128)
# Two means far above the rest, as pictures have them.
RED = LatentSpectrum(
    name="red",
    bands=(
        Band(cycles=0, modes=2, power=400),
        Band(cycles=1, modes=100, power=20),
        Band(cycles=3, modes=1000, power=0.5),
    ),
)


def crossing(
    recipe: Recipe | str, spectrum: LatentSpectrum | None = None, size: Size | None = None
) -> Crossing:
    recipe = load(recipe) if isinstance(recipe, str) else recipe
    found = blueprint(recipe, MODEL, size, spectrum).stations[-1].entrance
    assert found is not None
    return found


def handing(handoff: Handoff) -> Recipe:
    first, second = load("sandwich-0.8").passes
    assert isinstance(second, ImageToImage)
    return replace(load("sandwich-0.8"), control_of="x", passes=(first, replace(second, handoff=handoff)))


def all_blueprints() -> list[Blueprint]:
    return [blueprint(load(name), MODEL, SMALL, spectrum) for name in shipped() for spectrum in (None, RED)]


def test_the_full_size_sandwich_starts_at_sigma_0_991_and_lets_30_bits_across() -> None:
    found = crossing("sandwich")
    assert (found.sigma, found.strength) == (pytest.approx(0.991, abs=5e-4), 0.9)
    assert found.bits == pytest.approx(30, abs=2)
    assert found.modes == 128 * 64 * 64
    assert found.bits_to_name_one == pytest.approx(8.2, abs=0.03)


def test_strength_is_shown_beside_a_sigma() -> None:
    """By the shift undone: between the two strengths whose steps lie around it."""
    found = crossing("sandwich-0.8")
    assert found.sigma == 0.8
    assert 0.2 < found.strength < 0.5


def test_pass_one_cannot_matter_where_it_could_not_name_a_training_image() -> None:
    small = crossing("sandwich", size=SMALL)
    assert small.bits < log2(300)
    assert small.verdict == "cannot matter"
    assert crossing("sandwich-0.8", size=SMALL).bits > log2(300)


def test_survivors_are_claimed_of_a_measured_spectrum_alone() -> None:
    assert crossing("sandwich").survivors is None
    assert crossing("sandwich").verdict == "may matter"
    measured = crossing("sandwich-0.8", RED)
    assert measured.survivors is not None
    assert (measured.survivors.modes, measured.survivors.cycles) == (102, 1)
    assert measured.verdict == "can matter"


def test_pass_one_cannot_shape_the_picture_where_no_mode_survives() -> None:
    many = LatentSpectrum(name="flat", bands=(Band(cycles=1, modes=1_000_000, power=1),))
    assert crossing("sandwich", many).verdict == "cannot shape the picture"


@pytest.mark.parametrize(
    ("handoff", "bands"),
    [
        (Handoff(), [0, 1, 2]),
        (Handoff(keep="phase-scrambled"), [0, 1, 2]),
        (Handoff(keep="low-pass", cutoff=1), [0, 1]),
        (Handoff(keep="mean"), [0]),
        (Handoff(keep="nothing"), []),
    ],
)
def test_only_what_is_handed_over_can_cross(handoff: Handoff, bands: list[int]) -> None:
    kept = LatentSpectrum(name="", bands=tuple(RED.bands[i] for i in bands))
    assert crossing(handing(handoff), RED).bits == pytest.approx(kept.bits_across(0.8))


def test_a_thumbnail_hands_over_no_more_than_it_can_hold() -> None:
    """64 px are 4 tokens of 2 sub-pixels a side: nothing above 4 cycles."""
    fine = LatentSpectrum(name="", bands=tuple(Band(cycles=c, modes=1, power=100) for c in (3, 4, 5)))
    survivors = crossing("thumbnail", fine, SMALL).survivors
    assert survivors is not None
    assert (survivors.modes, survivors.cycles) == (2, 4)


@pytest.mark.parametrize("name", shipped())
def test_a_blueprint_costs_what_the_plan_costs(name: str) -> None:
    planned = make_plan([make_cell(load(name), "cat", 1, MODEL, style="s", other="dog", size=SMALL)], MODEL)
    drawn = blueprint(load(name), MODEL, SMALL)
    shared = cost_shared(planned)
    assert (drawn.cost.forwards, drawn.cost.flops) == (shared.forwards, shared.flops)
    assert sum(s.steps for s in drawn.stations if s.runs) == planned.guided_steps


def test_what_a_control_throws_away_is_not_run() -> None:
    first, second = blueprint(load("control-no-pass-1"), MODEL).stations
    assert (first.runs, first.cost.forwards, second.runs) == (False, 0, True)
    assert second.entrance is not None
    assert second.entrance.verdict == "not run"


def test_an_impossible_size_is_refused() -> None:
    with pytest.raises(ModelError, match="klein-4b cannot make"):
        blueprint(load("sandwich"), MODEL, Size(height=100, width=128))


def test_mermaid_has_a_node_a_pass_and_the_facts() -> None:
    text = mermaid(blueprint(load("sandwich"), MODEL, SMALL))
    assert text.startswith("flowchart TD\n")
    for fact in (
        "LoRA at 2.0 throughout",
        "start sigma 0.987 (strength 0.90)",
        "pass 1 cannot matter",
        "108 forwards",
    ):
        assert fact in text
    gated = mermaid(blueprint(load("gated"), MODEL, SMALL))
    assert "LoRA at 1.0 above sigma 0.8, 17 of 28 steps" in gated


def test_mermaid_and_svg_survive_any_prompt() -> None:
    first = load("baseline").passes[0]
    nasty = replace(
        load("baseline"),
        title='<script>"&\x00' + "x" * 90,
        passes=(replace(first, prompt='a "b" <c> & # \n\x01 ' + "y" * 300),),
    )
    drawn = blueprint(nasty, MODEL, SMALL)
    ET.fromstring(svg(drawn))
    node = mermaid(drawn).splitlines()[1]
    assert node.count('"') == 2
    assert "<c>" not in node


@pytest.mark.parametrize("drawn", all_blueprints(), ids=lambda d: d.recipe.name)
def test_a_drawing_stands_alone_and_bears_company(drawn: Blueprint) -> None:
    """It is XML, loads nothing, and holds no id or style that a second one on the page could clash with."""
    text = svg(drawn)
    root = ET.fromstring(text)
    assert root.get("role") == "img"
    assert drawn.recipe.title in (root.get("aria-label") or "")
    assert not any(element.get("id") or element.get("class") for element in root.iter())
    names = {element.tag.removeprefix("{http://www.w3.org/2000/svg}") for element in root.iter()}
    assert names <= {"svg", "g", "rect", "circle", "ellipse", "line", "path", "text"}
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "")
    assert "url(" not in text


@pytest.mark.parametrize("drawn", all_blueprints(), ids=lambda d: d.recipe.name)
def test_everything_lies_on_the_label(drawn: Blueprint) -> None:
    root = ET.fromstring(svg(drawn))
    height = float(root.get("height") or 0)
    for element in root.iter():
        for across in ("x", "x1", "x2", "cx"):
            assert 0 <= float(element.get(across) or 0) <= 360
        for down in ("y", "y1", "y2", "cy"):
            assert 0 <= float(element.get(down) or 0) <= height


def test_red_on_the_stick_is_where_the_lora_is_on() -> None:
    """To scale: the stick is 286 units long, and gated is on from sigma 1 down to 0.8."""
    lora = LoraUse(scale=1.0, sigma=(0.25, 0.75))
    inner = replace(load("gated"), passes=(replace(load("gated").passes[0], lora=lora),))
    for recipe, share in ((load("gated"), 0.2), (inner, 0.5), (load("lora"), 1.0), (load("baseline"), None)):
        root = ET.fromstring(svg(blueprint(recipe, MODEL, SMALL)))
        bars = [r for r in root.iter("{http://www.w3.org/2000/svg}rect") if r.get("height") == "6"]
        red = [float(r.get("width") or 0) for r in bars if "--label-red" in (r.get("style") or "")]
        stick = max(float(r.get("width") or 0) for r in bars)
        assert red == ([] if share is None else [pytest.approx(share * stick, abs=0.2)])


@pytest.mark.parametrize(
    ("flops", "words"),
    [(34_794_000_000_000, "34.8 TFLOP"), (1_200_000, "1.2 MFLOP"), (999, "999 FLOP"), (10**16, "10 PFLOP")],
)
def test_flops_are_written_with_three_digits(flops: int, words: str) -> None:
    assert flops_words(flops) == words
