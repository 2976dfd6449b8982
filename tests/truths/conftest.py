"""Planted truths: what a measurement must find, because it was put there. `make truths` runs them in full."""

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import strikebox
from strikebox.generation.backend import Pixels

LABELS = Path(strikebox.__file__).parent / "embedded" / "labels"


@pytest.fixture(scope="session")
def full() -> bool:
    """Whether to spend minutes instead of seconds."""
    return os.environ.get("STRIKEBOX_TRUTHS") == "full"


@pytest.fixture(scope="session")
def training() -> list[tuple[Pixels, dict[str, Any]]]:
    """The 300 labels that the embedded LoRA was trained on, with their metadata."""
    return _labels("train")


@pytest.fixture(scope="session")
def held_out() -> list[tuple[Pixels, dict[str, Any]]]:
    """120 labels of the same style that it never saw, with their metadata."""
    return _labels("held-out")


def _labels(part: str) -> list[tuple[Pixels, dict[str, Any]]]:
    rows = [json.loads(line) for line in (LABELS / part / "metadata.jsonl").read_text("utf-8").splitlines()]
    return [(np.asarray(Image.open(LABELS / part / row["file_name"]).convert("RGB")), row) for row in rows]
