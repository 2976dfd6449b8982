"""A design: recipes x subjects x seeds, as a TOML file. Each combination is a cell, one picture.

title = "The 75-image ablation"
recipes = ["baseline", "mine/sandwich.toml"]   # shipped ones by name, others by path from this file
subjects = ["cat", "dog"]
seeds = [1, 2, 3]
style = "matchbox style"                       # what {style} stands for; optional
size = { width = 768, height = 512 }           # or one number; the model's own size unless given

[sweep]                                        # optional: more recipes, one at several values; see sweep.py
recipe = "style-prompt"
over = "lora_scale"
values = "0-2 [5]"
"""

import tomllib
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import cast

from strikebox import recipe as recipes
from strikebox.errors import DesignError, RecipeError, SubjectError
from strikebox.generation.backend import Model, Size
from strikebox.generation.plan import MOST_SEED, Cell, make_cell
from strikebox.lab import sweep
from strikebox.lab.sweep import Sweep
from strikebox.passes_toml import Table, quoted
from strikebox.recipe import Recipe, check_subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """What an ablation compares. Raises DesignError where it cannot be run."""

    name: str  # the file's name without .toml
    title: str
    description: str = ""
    recipes: tuple[Recipe, ...]
    subjects: tuple[str, ...]
    seeds: tuple[int, ...]
    style: str | None = None  # the LoRA's trigger words
    size: Size | None = None  # None: the model's own

    def __post_init__(self) -> None:
        object.__setattr__(self, "subjects", tuple(check_subject(subject) for subject in self.subjects))
        _check_list("recipes", [recipe.name for recipe in self.recipes])
        _check_list("subjects", self.subjects)
        _check_list("seeds", self.seeds)
        _refuse_same_passes(self.recipes)
        for seed in self.seeds:
            if not 0 <= seed <= MOST_SEED:
                raise DesignError(f"seeds: one is {seed}; each lies between 0 and {MOST_SEED}")
        for recipe in self.recipes:
            if "other" in recipe.needs and len(self.subjects) < 2:
                raise DesignError(f"subjects: {recipe.name} asks for {{other}}; give a second subject")

    def other(self, subject: str) -> str | None:
        """What {other} stands for: the next subject, the first after the last; None where there is one."""
        following = self.subjects[(self.subjects.index(subject) + 1) % len(self.subjects)]
        return None if following == subject else following


def cells(design: Design, model: Model) -> tuple[Cell, ...]:
    """The pictures of a design, recipe by recipe, then by subject, then by seed.

    Raises what `make_cell` raises, where the model cannot make them or a prompt lacks its words.
    """
    return tuple(
        make_cell(
            recipe,
            subject,
            seed,
            model,
            style=design.style,
            other=design.other(subject),
            size=design.size,
        )
        for recipe in design.recipes
        for subject in design.subjects
        for seed in design.seeds
    )


def load(name_or_path: str | Path) -> Design:
    """A shipped design by its name, or the one in a TOML file.

    Raises DesignError, SubjectError, or RecipeError on one of its recipes.
    """
    name = str(name_or_path)
    if name in shipped():
        return parse((resources.files("strikebox") / "designs" / f"{name}.toml").read_text("utf-8"), name)
    if not name.endswith(".toml"):
        raise DesignError(f"{name}: is no shipped design and no .toml file; there are {', '.join(shipped())}")
    try:
        return parse(Path(name).read_text("utf-8"), name)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DesignError(f"{name}: cannot be read ({reason}); give a design's name or file") from None
    except UnicodeDecodeError:
        raise DesignError(f"{name}: is not UTF-8 text; a design is a TOML file") from None


def parse(text: str, source: str) -> Design:
    """The design in TOML `text`. Recipes lie relative to `source`, its file or name; errors begin with it."""
    with _at(source):
        try:
            table = Table(tomllib.loads(text))
        except RecursionError:
            raise DesignError("is nested too deeply; mend that") from None
        except ValueError as error:  # a TOMLDecodeError, or a number without end
            raise DesignError(f"is not TOML: {error}; mend that place") from None
        title, description = table.text("title"), table.optional_text("description")
        names, swept = _recipes(table)
        subjects = _texts("subjects", table.take("subjects"))
        seeds, style, size = _wholes("seeds", table.take("seeds")), table.optional_text("style"), _size(table)
        table.close()
    folder = Path(source).parent
    loaded = tuple(_recipe(name, folder) for name in names)
    base = None if swept is None else _recipe(swept.recipe, folder)
    with _at(source):
        if swept is not None and base is not None:
            loaded += sweep.expand(base, swept)
        return Design(
            name=Path(source).name.removesuffix(".toml"),
            title=title,
            description=description or "",
            recipes=loaded,
            subjects=subjects,
            seeds=seeds,
            style=style,
            size=size,
        )


def dumps(design: Design) -> str:
    """The TOML text of a design whose recipes, those of a sweep too, lie beside it, in recipes/."""
    names = (f"recipes/{recipe.name}.toml" for recipe in design.recipes)
    lines = [f"title = {quoted(design.title)}"]
    if design.description:
        lines.append(f"description = {quoted(design.description)}")
    lines.append(f"recipes = [{', '.join(map(quoted, names))}]")
    lines.append(f"subjects = [{', '.join(map(quoted, design.subjects))}]")
    lines.append(f"seeds = [{', '.join(map(str, design.seeds))}]")
    if design.style is not None:
        lines.append(f"style = {quoted(design.style)}")
    if design.size is not None:
        lines.append(f"size = {{ width = {design.size.width}, height = {design.size.height} }}")
    return "\n".join(lines) + "\n"


def shipped() -> tuple[str, ...]:
    """Names of the designs that come with the package."""
    files = (resources.files("strikebox") / "designs").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def _recipes(table: Table) -> tuple[tuple[str, ...], Sweep | None]:
    """Names of recipes, and the sweep; at least one of the two is there."""
    names, swept = table.take("recipes"), table.take("sweep")
    if swept is None:
        return _texts("recipes", names), None
    return () if names is None else _texts("recipes", names), sweep.read(swept)


def _recipe(name: str, folder: Path) -> Recipe:
    return recipes.load(folder / name if name.endswith(".toml") else name)


def _size(table: Table) -> Size | None:
    value = table.take("size")
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return Size(height=value, width=value)
    if not isinstance(value, dict):
        raise DesignError(f"size: is {value!r}; it is a number of pixels, or {{ width = ..., height = ... }}")
    sides = Table(cast(dict[str, object], value))
    width, height = sides.whole("width"), sides.whole("height")
    sides.close()
    return Size(height=height, width=width)


def _texts(key: str, value: object) -> tuple[str, ...]:
    items = _list(key, value)
    texts = tuple(item for item in items if isinstance(item, str))
    if len(texts) < len(items):
        raise DesignError(f"{key}: is {value!r}; it is a list of texts in quotes")
    return texts


def _wholes(key: str, value: object) -> tuple[int, ...]:
    items = _list(key, value)
    wholes = tuple(item for item in items if isinstance(item, int) and not isinstance(item, bool))
    if len(wholes) < len(items):
        raise DesignError(f"{key}: is {value!r}; it is a list of whole numbers")
    return wholes


def _list(key: str, value: object) -> list[object]:
    if value is None:
        raise DesignError(f"{key}: is missing; add it")
    if not isinstance(value, list):
        raise DesignError(f"{key}: is {value!r}; it is a list")
    return cast(list[object], value)


def _check_list(key: str, items: Sequence[str | int]) -> None:
    if not items:
        raise DesignError(f"{key}: is empty; give at least one")
    for position, item in enumerate(items):
        if item in items[:position]:
            raise DesignError(f"{key}: {item} stands there twice; remove one")


def _refuse_same_passes(recipes: Iterable[Recipe]) -> None:
    seen: dict[str, str] = {}
    for recipe in recipes:
        if (first := seen.setdefault(recipe.hash, recipe.name)) != recipe.name:
            raise DesignError(f"recipes: {recipe.name} has the very passes of {first}; remove one")


@contextmanager
def _at(source: str) -> Generator[None]:
    """Put `source` before the message of an error, and make it one of the design."""
    try:
        yield
    except SubjectError as error:
        raise SubjectError(f"{source}: {error}") from None
    except (DesignError, RecipeError) as error:
        raise DesignError(f"{source}: {error}") from None
