"""Put trained parts together into a directory that `Flux2KleinPipeline.from_pretrained` loads.

    python nano/assemble.py --parts build/nano/trained --out src/strikebox/embedded/klein-nano
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

from diffusers import FlowMatchEulerDiscreteScheduler

NAMES = ("vae", "transformer", "text_encoder", "tokenizer")
INDEX = {
    "_class_name": "Flux2KleinPipeline",
    "_diffusers_version": "0.42.1",
    "is_distilled": False,
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    "text_encoder": ["transformers", "Qwen3ForCausalLM"],
    "tokenizer": ["transformers", "PreTrainedTokenizerFast"],
    "transformer": ["diffusers", "Flux2Transformer2DModel"],
    "vae": ["diffusers", "AutoencoderKLFlux2"],
}
PROFILE = {
    "name": "klein-nano", "text_tokens": 24, "text_layers": [1, 2, 4], "steps": 28, "guidance": 4.0,
    "distilled": False, "size": 128,
}  # fmt: skip


def assemble(parts: Path, out: Path) -> None:
    for name in NAMES:
        shutil.rmtree(out / name, ignore_errors=True)
        shutil.copytree(parts / name, out / name)
    FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, shift=3.0, base_shift=0.5, max_shift=1.15, time_shift_type="exponential"
    ).save_pretrained(out / "scheduler")
    (out / "model_index.json").write_text(json.dumps(INDEX, indent=2) + "\n")
    (out / "profile.json").write_text(json.dumps(PROFILE, indent=2) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=Path, default=Path("build/nano/trained"))
    parser.add_argument("--out", type=Path, default=Path("src/strikebox/embedded/klein-nano"))
    args = parser.parse_args()
    assemble(args.parts, args.out)


if __name__ == "__main__":
    main()
