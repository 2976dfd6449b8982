"""What the program is made of, and what is known against it: `make check` runs this.

Writes the list of all packages to build/sbom.json (CycloneDX), and asks the Python Package Index for known
vulnerabilities of the versions in constraints.txt. One that is known fails the check; an index that cannot be
asked does not, and is said.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
SBOM = ROOT / "build" / "sbom.json"
_LONGEST = 180  # seconds for all questions
_AUDIT = (
    *("-m", "pip_audit", "-r", "constraints.txt", "--no-deps", "--disable-pip", "--format", "json"),
    *("--progress-spinner", "off", "--timeout", "10"),
)


def run(words: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """A module of this environment. Raises subprocess.TimeoutExpired."""
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, capture_output=True, text=True, timeout=_LONGEST
    )


def write_sbom() -> None:
    """Raises SystemExit where it cannot be written."""
    SBOM.parent.mkdir(exist_ok=True)
    options = ["--pyproject", "pyproject.toml", "--output-reproducible", "-o", str(SBOM), sys.executable]
    done = run(["-m", "cyclonedx_py", "environment", *options])
    if done.returncode != 0:
        raise SystemExit(f"no list of packages could be written: {done.stderr[-1000:]}")
    number = len(json.loads(SBOM.read_text("utf-8"))["components"])
    print(f"{SBOM.relative_to(ROOT)}: {number} packages")


def verdict(audit: str, said: str) -> tuple[bool, str]:
    """Whether the check passes, and a line on it. `audit` is JSON of pip-audit, `said` its other words."""
    try:
        packages: list[dict[str, Any]] = json.loads(audit)["dependencies"]
    except (ValueError, KeyError):
        reason = (said.strip().splitlines() or ["it said nothing"])[-1]
        return True, f"pip-audit could not ask: {reason[:200]}"
    known = [f"{p['name']} {p['version']}: {v['id']}" for p in packages for v in p.get("vulns", ())]
    if known:
        return False, "known vulnerabilities: " + ", ".join(known)
    asked = sum("skip_reason" not in package for package in packages)
    if asked < len(packages):
        unknown = len(packages) - asked
        return True, f"pip-audit could not ask about {unknown} of {len(packages)} packages: not on this index"
    return True, f"pip-audit knows nothing against {asked} packages"


def main() -> None:
    write_sbom()
    try:
        done = run(_AUDIT)
        passes, line = verdict(done.stdout, done.stderr)
    except subprocess.TimeoutExpired:
        passes, line = True, f"pip-audit could not ask: no answer within {_LONGEST} s"
    print(line)
    sys.exit(0 if passes else 1)


if __name__ == "__main__":
    main()
