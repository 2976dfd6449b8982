"""Schemathesis against the API's own description: whatever it invents, the site says what is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strikebox.site import limits

EXAMPLES = os.environ.get("STRIKEBOX_SCHEMA_EXAMPLES", "15")  # for each address and phase
# Not every subject that has the right length can be drawn, and strangers may order too.
NOT_PROMISED = "positive_data_acceptance,ignored_auth"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "ACTS", limits.Limit(1_000_000, limits.MINUTE))


@pytest.mark.slow
@pytest.mark.usefixtures("worker")
def test_answers_are_as_described(served: str, tmp_path: Path) -> None:
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"{served}/openapi.json"),
        *("--url", served, "--exclude-checks", NOT_PROMISED, "--max-examples", EXAMPLES, "--seed", "1"),
        *("--continue-on-failure", "--warnings", "off"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
