"""What has no tensors to move must not wait for torch: each import in a process of its own."""

import subprocess
import sys

import pytest

HEAVY = ("accelerate", "diffusers", "peft", "torch", "transformers")

BELOW_THE_LINE = (
    "strikebox",
    "strikebox.api",
    "strikebox.cli",
    "strikebox.cluster.ablate",
    "strikebox.cluster.keeper",
    "strikebox.errors",
    "strikebox.flow",
    "strikebox.generation.cost",
    "strikebox.generation.plan",
    "strikebox.generation.render",
    "strikebox.klein.speed.tiers",
    "strikebox.lab.bench.page",
    "strikebox.lab.blueprint",
    "strikebox.lab.checklist",
    "strikebox.lab.design",
    "strikebox.lab.measure",
    "strikebox.lab.report",
    "strikebox.lab.run",
    "strikebox.lab.verdict",
    "strikebox.lab.votes.page",
    "strikebox.lora.header",
    "strikebox.measuring",
    "strikebox.png",
    "strikebox.recipe",
    "strikebox.site.app",
    "strikebox.site.capacity.page",
    "strikebox.site.checking",
    "strikebox.site.context",
    "strikebox.store",
    "strikebox.worker.children",
    "strikebox.worker.loop",
    "strikebox.worker.remote",
)

_LOADED = "import sys, {module}; print(*[name for name in {heavy!r} if name in sys.modules])"


def loaded_by(module: str) -> list[str]:
    """Which of HEAVY a fresh interpreter holds once it has imported ``module``."""
    code = _LOADED.format(module=module, heavy=HEAVY)
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()


@pytest.mark.parametrize("module", BELOW_THE_LINE)
def test_imports_without_torch(module: str) -> None:
    assert loaded_by(module) == []


def test_the_probe_sees_torch() -> None:
    assert "torch" in loaded_by("torch")
