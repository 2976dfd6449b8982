"""What a model directory says of its model, read from its JSON files alone: no tensor library, no weights."""

import json
from pathlib import Path
from typing import Any, cast

from strikebox.errors import ModelError
from strikebox.flow import LatentSpectrum
from strikebox.generation.backend import Architecture, Model, Size
from strikebox.klein import profile as profiles
from strikebox.klein.profile import Profile

SPECTRUM = "latents.json"


def spectrum(directory: Path) -> LatentSpectrum | None:
    """How the model's latents spread over frequencies at its own size; None where nobody measured it.

    Raises ModelError where the file is malformed.
    """
    path = directory / SPECTRUM
    if not path.exists():
        return None
    try:
        return LatentSpectrum.from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"cannot read {path} ({error}); delete it, or measure it again") from None


def describe(directory: Path) -> Model:
    """The model in `directory`, enough to plan with and to count; its weights are neither read nor hashed.

    Raises ModelError where the directory is missing or no FLUX.2-klein model.
    """
    if not directory.is_dir():
        raise ModelError(f"the model {directory} is missing; give the folder that holds model_index.json")
    profile = profiles.read(directory, directory.resolve().name)
    transformer, vae = (directory / part / "config.json" for part in ("transformer", "vae"))
    try:
        return _model(profile, _json(transformer), _json(vae))
    except KeyError as error:
        raise ModelError(f"the model {directory} is malformed: no config.json says {error}") from None


def _model(profile: Profile, transformer: dict[str, Any], vae: dict[str, Any]) -> Model:
    return Model(
        name=profile.name,
        hash="",
        lora_name=None,
        lora_hash=None,
        size=Size(height=profile.size, width=profile.size),
        pixels_per_token=2 * 2 ** (len(vae["block_out_channels"]) - 1),
        distilled=profile.distilled,
        architecture=Architecture(
            double_blocks=transformer["num_layers"],
            single_blocks=transformer["num_single_layers"],
            dim=transformer["num_attention_heads"] * transformer["attention_head_dim"],
            mlp_ratio=transformer["mlp_ratio"],
            in_channels=transformer["in_channels"],
            text_dim=transformer["joint_attention_dim"],
            text_tokens=profile.text_tokens,
        ),
    )


def _json(path: Path) -> dict[str, Any]:
    try:
        values: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"cannot read {path}: {error}") from None
    if not isinstance(values, dict):
        raise ModelError(f"{path} must hold a JSON object")
    return cast("dict[str, Any]", values)
