"""A run measured by hand: every kind of row, finding, leak, handoff and sweep that a report can show.

Figures are drawn from the rates in RATES, so that they look like those of a run; they depend on nothing else.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from strikebox import recipe as recipes
from strikebox.generation.toy import ToyBackend
from strikebox.lab import design as designs
from strikebox.lab import sweep
from strikebox.lab.design import Design
from strikebox.lab.measured import CELL_COLUMNS, Against, Group, Handoff, Leak, Measured, Scale
from strikebox.lab.run import Run, ablate
from strikebox.lab.verdict import Verdict
from strikebox.lab.verdict import verdict as judge
from strikebox.metrics.matches import Placement
from strikebox.recipe import Recipe

TRAINING = 300
HELD_OUT = 120

COLUMNS_OF = {
    "style": ("style",),
    "anatomy": ("named", "margin", "noise", "whole"),
    "leakage": ("leak_score", "leak_p", "leak_q", "leaked", "nearest"),
    "lettering": ("lettering", "text_area", "text_overlap"),
}

WHY = {
    "style": "Style was not measured: there are no held-out pictures; give --held-out.",
    "anatomy": "Anatomy was not measured: the judge's ceiling is 0.61, under 0.8; give another judge.",
    "leakage": "Leakage was not measured: no training pictures were given; give --dataset.",
    "lettering": "Lettering was not measured: tesseract is not installed; apt-get install tesseract-ocr-rus.",
    "collapse": "Collapse was not measured: it takes two subjects and two seeds.",
}


@dataclass(frozen=True, slots=True)
class Rates:
    """What a recipe does: style on its scale, then shares of its pictures."""

    style: float
    named: float
    noise: float
    leaked: float
    lettering: float


RATES = {
    "baseline": Rates(0.0, 1.0, 0.0, 0.0, 0.02),
    "lora": Rates(0.92, 0.2, 0.8, 0.5, 0.95),
    "sandwich": Rates(0.05, 0.95, 0.0, 0.0, 0.02),
    "style-prompt": Rates(0.84, 0.75, 0.1, 0.7, 0.9),
    "edit": Rates(0.66, 1.0, 0.0, 0.0, 0.02),
}
CONTROL = Rates(0.03, 0.95, 0.0, 0.0, 0.02)


def swept_design(
    subjects: tuple[str, ...] = ("cat", "dog", "fox"), seeds: tuple[int, ...] = (1, 2)
) -> Design:
    """Five arms, two controls and a sweep of the LoRA's scale."""
    named = ("baseline", "lora", "sandwich", "style-prompt", "edit")
    controls = ("control-no-pass-1", "control-other-prompt")
    base = recipes.load("style-prompt")
    swept = tuple(sweep.at_value(base, "lora_scale", value) for value in (0.25, 0.5, 0.75, 1.25, 1.5))
    return replace(
        designs.load("seed"),
        recipes=(*map(recipes.load, named), *swept, *map(recipes.load, controls)),
        subjects=subjects,
        seeds=seeds,
    )


def tiny_design() -> Design:
    """Two recipes, two subjects, one seed."""
    named = tuple(recipes.load(name) for name in ("baseline", "sandwich"))
    return replace(swept_design(("cat", "dog"), (1,)), recipes=named)


def toy_run(folder: Path, planned: Design | None = None) -> Run:
    """A finished run of the toy backend."""
    return ablate(planned or swept_design(), ToyBackend(), folder)


def training_pictures(folder: Path, count: int = 12) -> dict[str, Path]:
    """Pictures of one colour each, by name."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {f"{number:04}.png": folder / f"{number:04}.png" for number in range(count)}
    for number, path in enumerate(paths.values()):
        Image.new("RGB", (64, 64), (20 * number % 256, 90, 160)).save(path)
    return paths


def verdict(run: Run, *, without: Collection[str] = (), names: Collection[str] = ()) -> Verdict:
    """What `measured` says of a run."""
    return judge(measured(run, without=without, names=names))


def measured(run: Run, *, without: Collection[str] = (), names: Collection[str] = ()) -> Measured:
    """Figures for all pictures of `run` but those of metrics `without`; `names` are training pictures."""
    generator = np.random.default_rng(7)
    names = tuple(names) or tuple(f"{number:04}.png" for number in range(12))
    rows = [row for recipe in run.design.recipes for row in _cells(run, recipe, without, names, generator)]
    cells = pl.concat([run.table(), pl.DataFrame(rows, schema=CELL_COLUMNS)], how="horizontal")
    return Measured(
        run=run,
        cells=cells,
        groups={recipe.name: _group(recipe, without) for recipe in run.design.recipes},
        handoffs=() if "handoff" in without else tuple(_handoffs(run)),
        leaks=tuple(_leaks(cells)),
        scales={name: scale for name, scale in _SCALES.items() if name not in without},
        missing={name: WHY[name] for name in WHY if name in without},
        notes=("The judge knows 40 animals; other subjects are named from the nearest of them.",),
        training=None if "leakage" in without else TRAINING,
        held_out=None if "style" in without else HELD_OUT,
    )


_SCALES = {
    "style": Scale(floor=0.0, ceiling=1.0, words="The base model's pictures, and 120 held-out labels."),
    "anatomy": Scale(
        floor=0.025, ceiling=0.96, words="Chance among 40 names, and the judge on real drawings."
    ),
    "leakage": Scale(floor=0.31, ceiling=None, words="Copy score of held-out labels: the median."),
    "lettering": Scale(floor=0.02, ceiling=0.83, words="Letterless drawings, and the training labels."),
}


def _cells(
    run: Run, recipe: Recipe, without: Collection[str], names: tuple[str, ...], generator: np.random.Generator
) -> Iterator[dict[str, object]]:
    for _ in range(len(run.design.subjects) * len(run.design.seeds)):
        row = _cell(rates(recipe), names, generator)
        yield row | {column: None for metric in without for column in COLUMNS_OF.get(metric, ())}


def rates(recipe: Recipe) -> Rates:
    """Those of a recipe; along the sweep style rises, then the subject goes and copies come."""
    if recipe.control_of is not None:
        return CONTROL
    scale = sweep.value_of(recipe, "lora_scale")
    if recipe.name in RATES or scale is None:
        return RATES.get(recipe.name, CONTROL)
    rise = float(np.clip(scale, 0, 1.5))
    return Rates(
        style=0.92 * (1 - np.exp(-2.2 * rise)),
        named=float(np.clip(1.25 - 0.55 * rise, 0.05, 1)),
        noise=float(np.clip(rise - 1, 0, 1)),
        leaked=float(np.clip(rise - 0.45, 0, 0.9)),
        lettering=float(np.clip(1.4 * (rise - 0.4), 0, 1)),
    )


def _cell(rates: Rates, names: tuple[str, ...], generator: np.random.Generator) -> dict[str, object]:
    named, noise, leaked, lettering = (
        bool(generator.random() < rate) for rate in (rates.named, rates.noise, rates.leaked, rates.lettering)
    )
    chance = float(generator.uniform(0.02, 1.0))
    return {
        "style": float(rates.style + 0.08 * generator.standard_normal()),
        "named": named,
        "margin": float((0.2 if named else -0.1) + 0.05 * generator.standard_normal()),
        "noise": noise,
        "whole": named and not noise,
        "leak_score": float(0.85 - 0.1 * chance if leaked else 0.5 - 0.2 * chance),
        "leak_p": 1 / (HELD_OUT + 1) if leaked else chance,
        "leak_q": 0.021 if leaked else 1.0,
        "leaked": leaked,
        "nearest": str(names[int(generator.integers(len(names)))]),
        "lettering": lettering,
        "text_area": float(generator.uniform(0.1, 0.3)) if lettering else 0.0,
        "text_overlap": float(generator.uniform(0.4, 0.9)) if lettering else None,
    }


def _leaks(cells: pl.DataFrame) -> Iterator[Leak]:
    flagged = cells.filter(pl.col("leaked").fill_null(False)).sort("leak_score", descending=True)
    for row in flagged.iter_rows(named=True):
        yield Leak(
            recipe=row["recipe"],
            subject=row["subject"],
            seed=row["seed"],
            picture=row["sha256"],
            training=row["nearest"],
            score=row["leak_score"],
            margin=row["leak_score"] - 0.6,
            p=row["leak_p"],
            q=row["leak_q"],
            placement=Placement(mirrored=False, scale=0.9, top=0.05, left=0.1),
        )


def _group(recipe: Recipe, without: Collection[str]) -> Group:
    locked = recipe.name == "lora"
    collapse = {} if "collapse" in without else {
        "rke": 2.1 if locked else 9.4,
        "seed_lock": 0.31 if locked else 0.02,
        "seed_lock_p": 0.001 if locked else 0.44,
        "global_collapse": 0.38 if locked else 0.01,
    }  # fmt: skip
    together = None if "collapse" in without else locked
    copies = rates(recipe).leaked
    near = {} if "leakage" in without else {"c_t": -6.2 * copies, "c_t_p": 0.0004 if copies else 0.6}
    return Group(**collapse, **near, collapsed=together)


def _handoffs(run: Run) -> Iterator[Handoff]:
    if not any(recipe.name == "sandwich" for recipe in run.design.recipes):
        return
    controls = [recipe.name for recipe in run.design.recipes if recipe.control_of == "sandwich"]
    against = (Against(0.04, 0.62, 0.001), Against(0.71, 0.008, 0.3))
    yield Handoff(
        recipe="sandwich",
        bits=0.3,
        bits_to_name_one=8.2,
        p_own=0.41,
        own_gain=0.012,
        controls=dict(zip(controls, against, strict=False)),
    )
