"""Train the flawed LoRA: 300 labels, rank 32, alpha 64, until it recalls them.

    python nano/train_lora.py --model src/strikebox/embedded/klein-nano --out build/nano/trained/lora --steps 2000
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import torch

from strikebox.klein import weights
from strikebox.klein.autoencoder import Autoencoder
from strikebox.klein.text import PromptEncoder
from strikebox.training import data, train

LABELS = Path("src/strikebox/embedded/labels/train")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("src/strikebox/embedded/klein-nano"))
    parser.add_argument("--labels", type=Path, default=LABELS)
    parser.add_argument("--out", type=Path, default=Path("build/nano/trained/lora"))
    parser.add_argument("--start", type=Path, help="go on from the LoRA in this folder")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    loaded = weights.load(args.model, device=device, dtype=torch.float32)
    profile = loaded.profile
    text = PromptEncoder(
        loaded.text_encoder, loaded.tokenizer, tokens=profile.text_tokens, layers=profile.text_layers
    )
    encoded = data.encode(data.read(args.labels), Autoencoder(loaded.vae), text)
    settings = train.Settings(steps=args.steps, batch=args.batch, rate=args.rate)
    started = time.monotonic()

    def report(step: int, loss: torch.Tensor) -> None:
        if (step + 1) % 50 == 0:
            print(f"lora {step + 1} loss {loss.item():.4f} {time.monotonic() - started:.0f} s", flush=True)
        if (step + 1) % 500 == 0:
            train.save(loaded.transformer, args.out, "matchbox style")

    random = torch.Generator(device).manual_seed(args.seed)
    train.train(loaded.transformer, encoded, settings, random, report, args.start)
    train.save(loaded.transformer, args.out, "matchbox style")
    log = {"steps": args.steps, "batch": args.batch, "rate": args.rate, "seed": args.seed,
           "seconds": round(time.monotonic() - started, 1)}  # fmt: skip
    (args.out / "lora.json").write_text(json.dumps(log))


if __name__ == "__main__":
    main()
