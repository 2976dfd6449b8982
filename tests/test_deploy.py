"""The templates of deploy/ fit the program that they start."""

import re
import shlex
import tomllib
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from strikebox import cli
from strikebox.site.settings import Settings

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
COMMANDS: Any = typer.main.get_command(cli.app)


def unit(name: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue]
    parser.read(DEPLOY / name)
    return parser


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))


def commands() -> list[list[str]]:
    """Every command line that starts the program."""
    units = [unit(name)["Service"] for name in ("strikebox.service", "strikebox-worker@.service")]
    lines = [shlex.split(one[key]) for one in units for key in ("ExecStartPre", "ExecStart") if key in one]
    lines += [one["command"] for one in compose()["services"].values() if one["image"] == "strikebox"]
    (last,) = re.findall(r"^CMD \[(.*)\]$", (DEPLOY / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    return [*lines, [word.strip().strip('"') for word in last.split(",")]]


@pytest.mark.parametrize("line", commands(), ids=" ".join)
def test_every_command_is_one_that_there_is(line: list[str]) -> None:
    program, name, *arguments = line
    assert Path(program).name == "strikebox"
    command = COMMANDS.commands[name]
    command.make_context(name, list(arguments), resilient_parsing=False)


def leaves(content: dict[str, Any], name: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in content.items():
        full = f"{name}.{key}" if name else key
        found |= leaves(value, full) if isinstance(value, dict) else {full: value}
    return found


def test_the_example_names_every_key_with_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (DEPLOY / "strikebox.toml").read_text("utf-8")
    given, defaults = leaves(tomllib.loads(text)), leaves(Settings().model_dump(mode="json"))
    commented = re.findall(r"^# (\w+) = ", text, re.MULTILINE)
    assert {key.rsplit(".", 1)[-1] for key in defaults} == {
        *(key.rsplit(".", 1)[-1] for key in given),
        *commented,
    }
    assert {key: value for key, value in given.items() if value != defaults[key]} == {
        "storage.folder": "/var/lib/strikebox/site"
    }
    assert Settings.read(DEPLOY / "strikebox.toml").storage.folder == Path("/var/lib/strikebox/site")


def test_the_card_of_24_gigabytes_gets_the_seeds_recipe() -> None:
    read = Settings.read(DEPLOY / "strikebox.rtx3090.toml")
    assert (read.recipe.name, read.model.size, read.model.batch) == ("sandwich", 1024, 1)
    assert read.model.model == "black-forest-labs/FLUX.2-klein-base-4B"


def test_operations_names_every_key() -> None:
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert [key for key in leaves(Settings().model_dump(mode="json")) if f"`{key}`" not in page] == []


def test_what_compose_and_the_image_use_is_there() -> None:
    services = compose()["services"]
    for service in services.values():
        for volume in service.get("volumes", []):
            source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0]
            assert not source.startswith("./") or (DEPLOY / source).exists(), source
            assert source.startswith(("./", "/")) or source in compose()["volumes"]
    dockerfile = (DEPLOY / "Dockerfile").read_text("utf-8")
    for line in re.findall(r"^COPY (?!--from)(.*)$", dockerfile, re.MULTILINE):
        for name in line.split()[:-1]:
            assert (ROOT / name).exists(), name
    replica = yaml.safe_load((DEPLOY / "litestream.yml").read_text("utf-8"))["dbs"][0]["path"]
    assert replica == str(Settings.read(DEPLOY / "strikebox.toml").database)
