"""What a model directory cannot say in diffusers' own files: text length and layers, and its habits."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from strikebox.errors import ModelError

FILE = "profile.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """How a model is to be called. FLUX.2-klein's own values where a directory has no profile."""

    name: str
    text_tokens: int = 512  # prompts are padded or cut to this length
    text_layers: tuple[int, ...] = (9, 18, 27)  # hidden states of the text encoder, concatenated
    steps: int = 28
    guidance: float = 4.0
    distilled: bool = False  # True: one forward a step, guidance is ignored
    size: int = 1024  # side of the picture in pixels


def read(directory: Path, name: str) -> Profile:
    """The profile in `directory`, or klein's, called `name`.

    Raises ModelError where the directory is no FLUX.2-klein pipeline or its profile is malformed.
    """
    distilled = bool(_pipeline_index(directory).get("is_distilled", False))
    path = directory / FILE
    if not path.exists():
        return Profile(name=name, distilled=distilled, steps=4 if distilled else 28)
    return _parse({"name": name, "distilled": distilled} | _json(path), path)


def _pipeline_index(directory: Path) -> Mapping[str, Any]:
    path = directory / "model_index.json"
    if not path.exists():
        raise ModelError(f"{directory} is not a diffusers model: it has no model_index.json")
    index = _json(path)
    if not str(index.get("_class_name", "")).startswith("Flux2Klein"):
        kind = index.get("_class_name")
        raise ModelError(f"{directory} is a {kind}; Strikebox runs models of Flux2KleinPipeline")
    return index


def _parse(values: dict[str, Any], path: Path) -> Profile:
    unknown = values.keys() - {field.name for field in fields(Profile)}
    if unknown:
        raise ModelError(f"{path}: unknown key {min(unknown)!r}")
    layers = values.get("text_layers")
    if layers is not None:
        values["text_layers"] = _layers(layers, path)
    profile = Profile(**values)
    kinds = {"name": str, "text_tokens": int, "steps": int, "distilled": bool, "size": int}
    for key, kind in kinds.items():
        if type(getattr(profile, key)) is not kind:
            raise ModelError(f"{path}: {key} must be of type {kind.__name__}")
    if type(profile.guidance) not in (int, float):
        raise ModelError(f"{path}: guidance must be a number")
    if min(profile.text_tokens, profile.steps, profile.size) < 1:
        raise ModelError(f"{path}: text_tokens, steps and size must be at least 1")
    return profile


def _layers(layers: object, path: Path) -> tuple[int, ...]:
    if not isinstance(layers, list) or not layers or any(type(k) is not int or k < 0 for k in layers):
        raise ModelError(f"{path}: text_layers must be a list of layer numbers, for example [9, 18, 27]")
    return tuple(layers)


def _json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {path}: {error}") from error
    if not isinstance(values, dict):
        raise ModelError(f"{path} must hold a JSON object")
    return values
