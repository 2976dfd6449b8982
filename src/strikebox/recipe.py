"""A recipe: an ordered list of passes, as a TOML file. Its hash is its identity."""

import hashlib
import json
import re
import tomllib
import unicodedata
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from typing import cast

from strikebox.errors import RecipeError, SubjectError
from strikebox.passes import (
    KINDS,
    Edit,
    Handoff,
    ImageToImage,
    LoraUse,
    Pass,
    Sigma,
    Strength,
    TextToImage,
    placeholders,
)
from strikebox.passes_toml import Table, at, quoted, read_pass, write_pass

__all__ = [
    "KINDS",
    "Edit",
    "Handoff",
    "ImageToImage",
    "LoraUse",
    "Pass",
    "Recipe",
    "Sigma",
    "Strength",
    "TextToImage",
    "check_subject",
    "dumps",
    "load",
    "parse",
    "prompt_for",
    "shipped",
]

LONGEST_SUBJECT = 200

_NAME = re.compile(r"\w[\w.-]{0,63}")
_PLACEHOLDER = re.compile(r"\{(subject|style|other)\}")
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Passes in order, and what people call them. Raises RecipeError where they cannot follow each other."""

    name: str  # the file's name without .toml
    title: str
    description: str = ""
    arm: str | None = None  # its letter in the ablation
    control_of: str | None = None  # name of the recipe that it exists to refute
    passes: tuple[Pass, ...]

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise RecipeError(
                f"name: is {self.name!r}; name it with letters, digits, '.', '_', '-': 64 at most"
            )
        if not self.title.strip():
            raise RecipeError("title: is empty; give the name that people read")
        if not self.passes:
            raise RecipeError("pass: there is none; add a [[pass]]")
        before = None
        for number, current in enumerate(self.passes, start=1):
            with at(f"pass {number}"):
                _check_order(before, current, control=self.control_of is not None)
            before = current
        with at(f"pass {len(self.passes)}"):
            if self.passes[-1].size != 1:
                raise RecipeError(f"size: is {self.passes[-1].size}; the last pass makes the picture: 1")

    @property
    def hash(self) -> str:
        """SHA-256 (hex) of the passes alone: title, letter and description do not change what is made."""
        passes = [{"kind": KINDS[type(p)], **asdict(p)} for p in self.passes]
        for plain, p in zip(passes, self.passes, strict=True):
            if p.guidance_sigma == (0, 1):
                del plain["guidance_sigma"]  # as below
            if isinstance(p, ImageToImage):
                plain["start"] = {type(p.start).__name__.lower(): p.start.value}
            if p.lora is not None:
                # Without what is not used, so that a key that came later changes no older hash.
                plain["lora"] = {key: value for key, value in asdict(p.lora).items() if value is not None}
        text = json.dumps(passes, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    @property
    def needs(self) -> frozenset[str]:
        """Placeholders that the prompts use: of "subject", "style" and "other"."""
        return frozenset[str]().union(*(placeholders(p) for p in self.passes))

    @property
    def uses_lora(self) -> bool:
        """Whether the LoRA is on at all."""
        return any(p.lora is not None and p.lora.scale != 0 for p in self.passes)


def load(name_or_path: str | Path) -> Recipe:
    """A shipped recipe by its name, or the one in a TOML file. Raises RecipeError."""
    name = str(name_or_path)
    if name in shipped():
        return parse((resources.files("strikebox") / "recipes" / f"{name}.toml").read_text("utf-8"), name)
    path = Path(name_or_path)
    if path.suffix != ".toml" and path.name == name:
        near = get_close_matches(name, shipped(), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(shipped())}"
        raise RecipeError(f"{name}: is no shipped recipe and no .toml file; {hint}")
    try:
        return parse(path.read_text("utf-8"), name)
    except OSError as error:
        raise RecipeError(
            f"{name}: cannot be read ({error.strerror}); give a recipe's name or file"
        ) from None
    except UnicodeDecodeError:
        raise RecipeError(f"{name}: is not UTF-8 text; a recipe is a TOML file") from None


def parse(text: str, source: str) -> Recipe:
    """The recipe in TOML `text`. `source`, its file or name, names it and stands before every error."""
    with at(source):
        try:
            values = tomllib.loads(text)
        except RecursionError:
            raise RecipeError("is nested too deeply; mend that") from None
        except ValueError as error:  # a TOMLDecodeError, or a number without end
            raise RecipeError(f"is not TOML: {error}; mend that place") from None
        return _read(Table(values), Path(source).name.removesuffix(".toml"))


def dumps(recipe: Recipe) -> str:
    """The TOML text that `parse` reads back as the same recipe, given its name."""
    head = {"title": recipe.title, "description": recipe.description or None}
    head |= {"arm": recipe.arm, "control_of": recipe.control_of}
    lines = [f"{key} = {quoted(value)}\n" for key, value in head.items() if value is not None]
    return "\n".join(["".join(lines), *map(write_pass, recipe.passes)])


def shipped() -> tuple[str, ...]:
    """Names of the recipes that come with the package, in order."""
    files = (resources.files("strikebox") / "recipes").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def prompt_for(pass_: Pass, subject: str, style: str | None = None, other: str | None = None) -> str:
    """The prompt of a pass. Braces in what is filled in stay as they are.

    `style` is the LoRA's trigger words, `other` another subject. Raises RecipeError where one is missing.
    """
    words = {"subject": subject, "style": style, "other": other}

    def fill(found: re.Match[str]) -> str:
        word = words[found[1]]
        if word is None:
            raise RecipeError(f"prompt: {pass_.prompt!r} needs {found[0]}; {_WHERE_FROM[found[1]]}")
        return word

    return _PLACEHOLDER.sub(fill, pass_.prompt)


_WHERE_FROM = {
    "subject": "name what to draw",
    "style": "give the LoRA's trigger words as the style",
    "other": "give a second subject",
}


def check_subject(text: str) -> str:
    """`text` in NFC without surrounding blanks. Raises SubjectError where it cannot be (part of) a prompt."""
    subject = unicodedata.normalize("NFC", text).strip()
    if not subject:
        raise SubjectError("subject: is empty; name what to draw, for example cat")
    if len(subject) > LONGEST_SUBJECT:
        raise SubjectError(
            f"subject: has {len(subject)} characters; at most {LONGEST_SUBJECT} fit, shorten it"
        )
    for place, character in enumerate(subject, start=1):
        if character in _BIDI or unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}:
            code = f"U+{ord(character):04X}"
            raise SubjectError(f"subject: character {place} is the invisible control {code}; remove it")
    return subject


def _read(table: Table, name: str) -> Recipe:
    title, description = table.text("title"), table.optional_text("description")
    arm, control_of = table.optional_text("arm"), table.optional_text("control_of")
    passes = table.take("pass")
    table.close()
    if not isinstance(passes, list):
        raise RecipeError("pass: is missing; add a [[pass]]")
    read: list[Pass] = []
    for number, values in enumerate(cast(list[object], passes), start=1):
        with at(f"pass {number}"):
            read.append(read_pass(values))
    return Recipe(
        name=name,
        title=title,
        description=description or "",
        arm=arm,
        control_of=control_of,
        passes=tuple(read),
    )


def _check_order(before: Pass | None, current: Pass, control: bool) -> None:
    kind = KINDS[type(current)]
    if before is None:
        if not isinstance(current, TextToImage):
            raise RecipeError(
                f"kind: is {kind}, which needs a picture to start from; the first is text-to-image"
            )
        return
    if isinstance(current, TextToImage):
        raise RecipeError(f"kind: is {kind}, which throws away what came before; only the first pass is that")
    if isinstance(current, ImageToImage):
        _check_handoff(before, current, control)


def _check_handoff(before: Pass, current: ImageToImage, control: bool) -> None:
    start, handoff = current.start, current.handoff
    nothing = handoff.keep == "nothing"
    if nothing and not control:
        raise RecipeError(
            'handoff: keep: is "nothing", which only a control may say; set control_of, or keep more'
        )
    if not nothing and isinstance(start, Strength) and start.start_index(current.steps) == 0:
        raise RecipeError(
            f"strength: is {start.value}, which at {current.steps} steps starts at sigma 1 and throws the "
            f"pass before away; take more steps, less strength, or a sigma below 1"
        )
    if handoff.through == "latents" and before.size != current.size and not nothing:
        raise RecipeError(
            f"handoff: through: is latents, from size {before.size} to {current.size}; "
            f'sizes differ, so hand over with through = "pixels"'
        )
