"""The 75 pictures on the embedded model: image for image against the stock pipeline, then with shared passes.

    python benchmarks/cpu.py --out benchmarks/results/cpu.json
    python benchmarks/cpu.py --pictures 5 --steps 12    # a look whether everything runs

Stock makes each picture by itself with the calls of diffusers that make the same recipe; ours makes the same
pictures one by one (`alone`), in batches (`batched`), and as `ablate` does, with what they share made once
(`shared`). Run it on a machine that does nothing else; each line says how loaded it was.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from ablation import machine
from diffusers import Flux2KleinInpaintPipeline, Flux2KleinPipeline
from PIL import Image

from strikebox import api, store
from strikebox.generation.plan import Cell, make_plan
from strikebox.generation.render import render
from strikebox.klein import profile, weights
from strikebox.klein.backend import KleinBackend
from strikebox.klein.bench.random_weights import scheduler
from strikebox.klein.device import pick_dtype
from strikebox.klein.speed import machine as speed_machine
from strikebox.klein.speed.options import Options
from strikebox.klein.speed.tiers import Switches
from strikebox.lab import design as designs
from strikebox.passes import Edit, ImageToImage, Pass, Strength
from strikebox.store import Identity

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
PLACE = api.embedded("klein-nano")
LORA = api.embedded("lora/pytorch_lora_weights.safetensors")


class Stock:
    """A recipe's passes as calls of diffusers' pipelines."""

    def __init__(self, dtype: torch.dtype) -> None:
        loaded = weights.load(PLACE, device=torch.device("cpu"), dtype=dtype)
        parts: dict[str, Any] = {
            name: getattr(loaded, name) for name in ("vae", "text_encoder", "tokenizer", "transformer")
        }
        self.profile = profile.read(PLACE, "klein-nano")
        self.draw: Any = Flux2KleinPipeline(scheduler=scheduler(), **parts)
        self.redraw: Any = Flux2KleinInpaintPipeline(scheduler=scheduler(), **parts)
        for pipeline in (self.draw, self.redraw):
            pipeline.set_progress_bar_config(disable=True)
        self.draw.load_lora_weights(str(LORA.parent), weight_name=LORA.name, adapter_name="style")

    def picture(self, cell: Cell) -> None:
        """Every pass of a cell, and the PNG."""
        made: Image.Image | None = None
        for pass_, prompt in zip(cell.recipe.passes, cell.prompts, strict=True):
            made = self._pass(pass_, prompt, cell, made)
        assert made is not None
        made.save(io.BytesIO(), "PNG")

    def _pass(self, pass_: Pass, prompt: str, cell: Cell, before: Image.Image | None) -> Image.Image:
        if pass_.lora is None:
            self.draw.disable_lora()
        else:
            self.draw.enable_lora()
            self.draw.set_adapters("style", pass_.lora.scale)
        options: dict[str, Any] = {
            "prompt": prompt,
            "height": cell.size.height,
            "width": cell.size.width,
            "num_inference_steps": pass_.steps,
            "guidance_scale": pass_.guidance,
            "generator": torch.Generator().manual_seed(cell.seed),
            "max_sequence_length": self.profile.text_tokens,
            "text_encoder_out_layers": self.profile.text_layers,
        }
        if isinstance(pass_, ImageToImage):
            assert before is not None and isinstance(pass_.start, Strength)
            mask = Image.new("L", before.size, 255)
            return self.redraw(image=before, mask_image=mask, strength=pass_.start.value, **options).images[0]
        if isinstance(pass_, Edit):
            options["image"] = before
        return self.draw(**options).images[0]


def ours(backend: KleinBackend, cells: Sequence[Cell], batch: int) -> None:
    """The pictures of `cells` in one run."""
    identity = Identity(design={}, model=asdict(backend.model), lora=None, settings={})
    with (
        tempfile.TemporaryDirectory() as scratch,
        store.writing(Path(scratch) / "run", identity, {}) as folder,
    ):
        for _ in render(make_plan(cells, backend.model), backend, folder, batch_size=batch):
            pass


def design_cells(backend: KleinBackend, pictures: int | None, steps: int | None) -> list[Cell]:
    """Those of the seed design; fewer steps for a look."""
    chosen = designs.load("seed")
    if steps is not None:
        short = tuple(
            replace(r, passes=tuple(replace(p, steps=steps) for p in r.passes)) for r in chosen.recipes
        )
        chosen = replace(chosen, recipes=short)
    every = designs.cells(chosen, backend.model)
    return every if pictures is None else every[:: max(1, len(every) // pictures)][:pictures]


Line = tuple[str, Callable[[], object]]


def lines(dtype: str, pictures: int | None, steps: int | None, batch: int) -> list[Line]:
    """What is timed, by name; each makes all the pictures once."""
    precision = DTYPES[dtype]
    plain = KleinBackend.load(PLACE, LORA, device="cpu", dtype=dtype, options=Options(speed="exact"))
    cells = design_cells(plain, pictures, steps)
    stock = Stock(precision)
    compiled = KleinBackend.load(
        PLACE, LORA, device="cpu", dtype=dtype, options=Options(switches=Switches(once=True, compiled=True))
    )
    return [
        ("stock", lambda: [stock.picture(cell) for cell in cells]),
        ("alone", lambda: [ours(plain, [cell], 1) for cell in cells]),
        ("batched", lambda: [ours(plain, some, batch) for some in _by_recipe(cells)]),
        ("shared", lambda: ours(plain, cells, batch)),
        ("shared, compiled", lambda: ours(compiled, cells, batch)),
        ("shared, compiled and warm", lambda: ours(compiled, cells, batch)),
    ]


def _by_recipe(cells: Sequence[Cell]) -> list[list[Cell]]:
    names = dict.fromkeys(cell.recipe.name for cell in cells)
    return [[cell for cell in cells if cell.recipe.name == name] for name in names]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("benchmarks/results/cpu.json"))
    parser.add_argument("--pictures", type=int, help="fewer than 75, for a look")
    parser.add_argument("--steps", type=int, help="in place of the recipes' own, for a look")
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--dtypes", default="float32,bfloat16")
    args = parser.parse_args()
    figures: list[dict[str, object]] = []
    for dtype in args.dtypes.split(","):
        taken: dict[str, float] = {}
        for name, work in lines(dtype, args.pictures, args.steps, args.batch):
            load, started = os.getloadavg()[0], perf_counter()
            work()
            taken[name] = perf_counter() - started
            faster = round(taken["stock"] / taken[name], 2)
            line = {"line": name, "dtype": dtype, "seconds": round(taken[name], 1)}
            figures.append({**line, "times_stock": faster, "load": load})
            print(figures[-1], flush=True)
            args.out.parent.mkdir(parents=True, exist_ok=True)
            args.out.write_text(json.dumps({"machine": machine(), "figures": figures}, indent=1) + "\n")
        gains = taken["shared, compiled and warm"] < 0.9 * taken["shared"]
        if args.pictures is None:  # measured in full: the exact tier does as this says from now on
            device = torch.device("cpu")
            speed_machine.remember_compile_gains(gains, device, pick_dtype(dtype, device))


if __name__ == "__main__":
    main()
