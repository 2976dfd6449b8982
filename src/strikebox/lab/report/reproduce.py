"""How to make the same pictures again: command, design, weights, versions."""

import platform
import shlex
from collections.abc import Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version

from markupsafe import Markup

from strikebox.lab import design as designs
from strikebox.lab.report.facts import Facts
from strikebox.lab.report.templates import fill

_PACKAGES = ("strikebox", "torch", "diffusers", "transformers", "peft", "numpy", "pillow")


def section(facts: Facts) -> Markup | None:
    """What somebody else needs."""
    settings = facts.run.folder.identity().settings
    return fill(
        "reproduce.html",
        command=shlex.join(_command(facts.run.folder.path.resolve().name, settings)),
        weights=list(_weights(facts)),
        versions=[(package, _version(package)) for package in _PACKAGES],
        python=platform.python_version(),
        machine=f"{platform.system()} {platform.machine()}",
        settings=sorted((key, str(value)) for key, value in settings.items()),
        design=designs.dumps(facts.run.design),
        recipes=[(recipe.name, recipe.hash) for recipe in facts.run.design.recipes],
    )


def _command(name: str, settings: Mapping[str, object]) -> Iterator[str]:
    yield from ("strikebox", "ablate", f"{name}/design.toml", "--out", f"{name}-again")
    if "dtype" in settings:
        yield from ("--dtype", str(settings["dtype"]))


def _weights(facts: Facts) -> Iterator[tuple[str, str, str]]:
    model = facts.run.model
    yield "Model", model.name, model.hash
    if model.lora_name is not None and model.lora_hash is not None:
        yield "LoRA", model.lora_name, model.lora_hash


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
