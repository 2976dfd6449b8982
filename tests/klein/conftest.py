"""Models and LoRAs for the tests of the torch backend."""

import importlib.util
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from tiny_klein import random_lora, save_lora, write_model

# Of the extra "speed", which nothing needs: not collected where it is not installed.
_TORCHAO = importlib.util.find_spec("torchao")
collect_ignore = [] if _TORCHAO else ["test_speed_libraries.py"]


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Directory of a pipeline with random weights."""
    return write_model(tmp_path_factory.mktemp("tiny"))


@pytest.fixture(scope="session")
def tiny_lora(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A LoRA for it in diffusers' keys, alpha twice the rank."""
    from diffusers import Flux2Transformer2DModel

    transformer = Flux2Transformer2DModel.from_pretrained(tiny / "transformer")
    return save_lora(tmp_path_factory.mktemp("lora") / "style.safetensors", random_lora(transformer), alpha=8)
