"""The templates of deploy/ fit the program that they start."""

import os
import re
import shlex
import shutil
import subprocess
import sys
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


@pytest.mark.parametrize("path", sorted(DEPLOY.glob("strikebox*.toml")), ids=lambda path: path.name)
def test_every_configuration_is_a_valid_one(path: Path) -> None:
    Settings.read(path)
    known = leaves(Settings().model_dump(mode="json")).keys()
    assert leaves(tomllib.loads(path.read_text("utf-8"))).keys() <= known


@pytest.mark.parametrize("name", sorted({line[1] for line in commands()}))
def test_every_command_explains_itself(name: str) -> None:
    program = [sys.executable, "-c", "from strikebox.cli import main; main()", name, "--help"]
    said = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert said.returncode == 0 and "Usage" in said.stdout


def run(*words: str, **variables: str) -> str:
    """What a tool says. Fails where it complains."""
    done = subprocess.run(
        words, capture_output=True, text=True, timeout=120, cwd=DEPLOY, env={**os.environ, **variables}
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


# These tools are asked where they are there; nobody needs them to work on Strikebox.
if shutil.which("systemd-analyze"):

    @pytest.mark.parametrize("name", ["strikebox.service", "strikebox-worker@.service"])
    def test_systemd_finds_nothing_wrong(name: str, tmp_path: Path) -> None:
        text = (DEPLOY / name).read_text("utf-8")
        program = tmp_path / "strikebox"  # systemd looks whether the program is there
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
        copy = tmp_path / name.replace("@.", "@1.")
        copy.write_text(text.replace("/opt/strikebox/bin/strikebox", str(program)))
        said = run("systemd-analyze", "verify", "--man=no", str(copy))
        assert [line for line in said.splitlines() if copy.name in line] == []


if (
    shutil.which("docker")
    and subprocess.run(["docker", "compose", "version"], capture_output=True).returncode == 0
):

    @pytest.mark.parametrize("profile", ["cpu", "cuda", "backup"])
    def test_docker_reads_the_compose_file(profile: str) -> None:
        words = ("docker", "compose", "-f", "compose.yaml", "--profile", profile, "config", "--quiet")
        run(*words, STRIKEBOX_DOMAIN="art.example")


if shutil.which("caddy"):

    @pytest.mark.parametrize("upstream", ["127.0.0.1:8080", "127.0.0.1:8081 127.0.0.1:8082"])
    def test_caddy_takes_its_file(upstream: str) -> None:
        words = ("--adapter", "caddyfile", "--config", "Caddyfile")
        run("caddy", "validate", *words, STRIKEBOX_DOMAIN="art.example", STRIKEBOX_UPSTREAM=upstream)
        adapted = run("caddy", "adapt", *words, STRIKEBOX_UPSTREAM=upstream)
        assert re.findall(r'"dial":"([^"]*)"', adapted) == upstream.split()
