"""Writes build/requirements.txt: what the program needs here, each with its version and SHA-256.

Hashes are of the files that pip would install on this machine. Another processor, system or Python needs a
list of its own; so does another torch, whose builds for processors and for graphics cards differ.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "build" / "requirements.txt"
_REPORT = (
    *("-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--disable-pip-version-check"),
    *("-c", "constraints.txt", "--report", "-", ".[postgresql]"),
)


def lines(report: Mapping[str, Any]) -> Iterator[str]:
    """One for each package of pip's report, but for the program itself."""
    for package in sorted(report["install"], key=lambda one: str(one["metadata"]["name"]).lower()):
        hashes = package["download_info"].get("archive_info", {}).get("hashes", {})
        if "sha256" in hashes:
            name, version = package["metadata"]["name"], package["metadata"]["version"]
            yield f"{name}=={version} --hash=sha256:{hashes['sha256']}"


def main() -> None:
    done = subprocess.run([sys.executable, *_REPORT], cwd=ROOT, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"pip cannot say what it would install: {done.stderr[-1000:]}")
    found = list(lines(json.loads(done.stdout)))
    LOCK.parent.mkdir(exist_ok=True)
    LOCK.write_text("\n".join(found) + "\n", "utf-8")
    print(f"{LOCK.relative_to(ROOT)}: {len(found)} packages")


if __name__ == "__main__":
    main()
