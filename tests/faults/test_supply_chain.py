"""What `make check` says of packages: known vulnerabilities stop it, a silent index does not."""

import importlib.util
import json
import re
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / ".ci" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def audit(*packages: Mapping[str, object]) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


GOOD = {"name": "a", "version": "1", "vulns": []}
BAD = {"name": "b", "version": "2", "vulns": [{"id": "PYSEC-2026-1", "fix_versions": ["3"]}]}
UNKNOWN = {"name": "c", "skip_reason": "Dependency not found on PyPI and could not be audited: c (1)"}


@pytest.mark.parametrize(
    ("found", "said", "passes", "line"),
    [
        (audit(GOOD), "", True, "knows nothing against 1 packages"),
        (audit(GOOD, BAD), "", False, "known vulnerabilities: b 2: PYSEC-2026-1"),
        (audit(GOOD, UNKNOWN), "", True, "could not ask about 1 of 2 packages"),
        ("", "ERROR: x\nConnectionError: no route", True, "could not ask: ConnectionError: no route"),
        ("", "", True, "could not ask: it said nothing"),
    ],
)
def test_only_what_is_known_stops_the_check(found: str, said: str, passes: bool, line: str) -> None:
    verdict = script("supply_chain").verdict(found, said)
    assert verdict[0] is passes and line in verdict[1]


def test_a_lock_names_files_by_their_hashes() -> None:
    report = {
        "install": [
            {
                "metadata": {"name": "torch", "version": "2.13.0+cpu"},
                "download_info": {"archive_info": {"hashes": {"sha256": "0" * 64}}},
            },
            {"metadata": {"name": "strikebox", "version": "0"}, "download_info": {"dir_info": {}}},
        ]
    }
    assert list(script("lock").lines(report)) == [f"torch==2.13.0+cpu --hash=sha256:{'0' * 64}"]


def test_every_package_has_one_version() -> None:
    lines = (ROOT / "constraints.txt").read_text("utf-8").splitlines()
    pins = [line for line in lines if line and not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.\-]+==[\w.+!]+", pin) for pin in pins)
    names = [re.sub(r"[-_.]+", "-", pin.partition("==")[0]).lower() for pin in pins]
    assert sorted(set(names)) == sorted(names)
