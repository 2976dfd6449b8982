"""Who may join, and what is said to who may not: one clear line, whatever is wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from strikebox.cluster.joining import joined
from strikebox.errors import ClusterError

MAIN = "from strikebox.cli import main; main()"
WITHOUT_RAY = f"import sys; sys.modules['ray'] = None; {MAIN}"
AUTH = ("RAY_AUTH_MODE", "RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")


def refusal(home: Path, *words: str, code: str = MAIN, **environment: str) -> str:
    """What a command says that ends with 2."""
    bare = {name: value for name, value in os.environ.items() if name not in AUTH}
    done = subprocess.run(
        [sys.executable, "-c", code, *words],
        env=bare | {"HOME": str(home)} | environment,
        cwd=home,
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 2, done.stderr
    said = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(said) == 1 and "Traceback" not in done.stderr
    return said[0]


@pytest.mark.parametrize("command", [("ablate", "seed", "--lora", "none"), ("worker", "--recipe", "soft")])
def test_without_ray_it_says_how_to_get_it(tmp_path: Path, command: tuple[str, ...]) -> None:
    said = refusal(tmp_path, *command, "--ray", "local", code=WITHOUT_RAY)
    assert said == "error: Ray is not installed; run pip install 'strikebox[cluster]'"


@pytest.mark.parametrize("address", ["nonsense", "ray://head:10001", "head:99999", "head", "", ":1"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(ClusterError, match="is no address; give HOST:PORT"), joined(address):
        pass


def test_where_nobody_answers() -> None:
    with pytest.raises(ClusterError, match="nobody answers there"), joined("127.0.0.1:1"):
        pass


def test_bounds_that_cross(tmp_path: Path) -> None:
    words = ("worker", "--recipe", "soft", "--ray", "local", "--min", "3", "--max", "2")
    assert "--min 3 is above --max 2" in refusal(tmp_path, *words)


def test_a_cluster_is_not_joined_without_a_token(tmp_path: Path, address: str) -> None:
    words = ("ablate", "--ray", address)
    assert "there is no token for the cluster; set RAY_AUTH_TOKEN" in refusal(tmp_path, *words)
    said = refusal(tmp_path, *words, RAY_AUTH_MODE="disabled", RAY_AUTH_TOKEN="x")
    assert "a cluster is joined with a token only" in said


def test_a_wrong_token_is_refused(tmp_path: Path, address: str) -> None:
    said = refusal(tmp_path, "ablate", "--ray", address, RAY_AUTH_TOKEN="f" * 64)
    assert "the cluster refuses this token" in said
