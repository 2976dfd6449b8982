"""The documentation is a contract: it names all there is, its examples parse, and its Python runs."""

import importlib.util
import json
import re
from dataclasses import fields
from pathlib import Path

import pytest

from strikebox import api, cli, recipe
from strikebox.generation.toy import ToyBackend
from strikebox.klein.profile import Profile
from strikebox.lab import design
from strikebox.passes import Handoff, LoraUse, TextToImage

DOCS = Path(__file__).parents[1] / "docs"
PAGES = sorted([*DOCS.glob("*.md"), DOCS.parent / "README.md"])

RECIPE_KEYS = {f.name for f in fields(recipe.Recipe)} - {"name", "passes"} | {"pass"}
PASS_KEYS = {f.name for f in fields(TextToImage)} | {"kind", "strength", "sigma", "handoff"}
PART_KEYS = {f.name for f in (*fields(LoraUse), *fields(Handoff))}
DESIGN_KEYS = {f.name for f in fields(design.Design)} - {"name"}
COMMANDS = [
    *(str(command.name) for command in cli.app.registered_commands),
    *(
        f"{group.name} {command.name}"
        for group in cli.app.registered_groups
        if group.typer_instance is not None
        for command in group.typer_instance.registered_commands
    ),
]


def page(name: str) -> str:
    return (DOCS / name).read_text("utf-8")


def blocks(name: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", page(name), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("key", sorted(RECIPE_KEYS | PASS_KEYS | PART_KEYS | set(recipe.shipped())))
def test_recipes_names_every_key_and_recipe(key: str) -> None:
    assert f"`{key}`" in page("recipes.md")


@pytest.mark.parametrize("key", sorted(DESIGN_KEYS | set(design.shipped())))
def test_ablate_names_every_key_and_design(key: str) -> None:
    assert f"`{key}`" in page("ablate.md")


@pytest.mark.parametrize("key", [f.name for f in fields(Profile)])
def test_models_names_every_key_of_a_profile(key: str) -> None:
    assert f"`{key}`" in page("models.md")


@pytest.mark.parametrize("command", COMMANDS)
def test_cli_names_every_command(command: str) -> None:
    assert f"`strikebox {command}" in page("cli.md")


def test_the_examples_are_the_shipped_ones() -> None:
    (sandwich,) = blocks("recipes.md", "toml")
    seed, sweep = blocks("ablate.md", "toml")
    assert recipe.parse(sandwich, "sandwich") == recipe.load("sandwich")
    assert design.parse(seed, "seed").recipes == design.load("seed").recipes
    alone = re.sub(r"^recipes = .*\n", "", seed, flags=re.MULTILINE)
    assert len(design.parse(f"{alone}\n{sweep}", "sweep").recipes) == 5


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\[[^\]]*\]\(([^)#:]+)\)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(api, "load_backend", lambda *_, **__: ToyBackend())
    names: dict[str, object] = {}
    for number, block in enumerate(blocks("python.md", "python"), start=1):
        exec(compile(block, f"python.md, example {number}", "exec"), names)
    assert (tmp_path / "cat.png").exists()


def test_the_python_of_capacity_runs() -> None:
    (block,) = blocks("capacity.md", "python")
    exec(compile(block, "capacity.md", "exec"), {})


def test_the_tables_of_science_are_those_of_its_runs() -> None:
    benchmarks = DOCS.parent / "benchmarks"
    spec = importlib.util.spec_from_file_location("science_page", benchmarks / "science_page.py")
    assert spec is not None and spec.loader is not None
    filler = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(filler)
    results = json.loads((benchmarks / "results" / "science.json").read_text("utf-8"))
    assert filler.fill(page("science.md"), results) == page("science.md")
    assert all(f"<!-- {design} -->" in page("science.md") for design in results["designs"])
