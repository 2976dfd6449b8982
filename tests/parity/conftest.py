"""Models in our backend and in the stock pipeline: a tiny one, and klein-nano where it is built in."""

import sys
from pathlib import Path

import pytest
import torch
from diffusers import Flux2KleinPipeline, Flux2Transformer2DModel

import strikebox
from strikebox.klein import profile
from strikebox.klein.backend import KleinBackend

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1] / "klein")]

from stock_pair import Pair  # noqa: E402
from tiny_klein import (  # noqa: E402  # pyright: ignore[reportMissingImports]
    random_lora,
    save_lora,
    write_model,
)

EMBEDDED = Path(strikebox.__file__).parent / "embedded"
LORA = EMBEDDED / "lora" / "pytorch_lora_weights.safetensors"


def models() -> list[str]:
    built_in = (EMBEDDED / "klein-nano" / "model_index.json").exists() and LORA.exists()
    return ["tiny", *(["klein-nano"] if built_in else [])]


@pytest.fixture(scope="session", params=models())
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    if request.param == "tiny":
        directory = write_model(tmp_path_factory.mktemp("tiny"))
        transformer = Flux2Transformer2DModel.from_pretrained(directory / "transformer")
        lora = save_lora(directory / "style.safetensors", random_lora(transformer), alpha=8)
    else:
        directory = EMBEDDED / request.param
        lora = LORA
    stock = Flux2KleinPipeline.from_pretrained(directory, dtype=torch.float32)
    stock.set_progress_bar_config(disable=True)
    return Pair(
        KleinBackend.load(directory, lora, device="cpu", dtype="float32"),
        stock,
        lora,
        profile.read(directory, request.param),
    )
