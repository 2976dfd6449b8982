"""A benchmark as it is asked for: which weights, which cases, and whether time or likeness is measured."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import torch

from strikebox.errors import RunError
from strikebox.klein import weights as weights_
from strikebox.klein.bench import clock, machine, random_weights
from strikebox.klein.bench.cases import CASES, TIERS, Setting
from strikebox.klein.bench.fidelity import compare
from strikebox.klein.bench.random_weights import KLEIN_4B, Architecture
from strikebox.klein.bench.run import Open, Order, Say, failed
from strikebox.klein.bench.run import run as run_order
from strikebox.klein.bench.work import Work
from strikebox.klein.description import describe
from strikebox.klein.device import pick_device, pick_dtype
from strikebox.klein.weights import Weights
from strikebox.lab.bench.figures import Book, Figure, Results

_COMPARED = 4  # pictures of each case


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What to measure, in the words of the command line."""

    cases: Sequence[str] = TIERS  # ("all",): all there are
    sides: Sequence[int] = ()  # px; none: the model's own
    batches: Sequence[int] = (1,)
    repeats: int = 3
    model: str | Path | None = None  # None: random weights
    architecture: Architecture = KLEIN_4B  # of the random weights
    lora: Path | None = None  # with a model; random weights bring a random one
    device: str = "auto"
    dtype: str = "auto"
    dollars_per_hour: float | None = None
    steps: int | None = None  # None: as the recipe has them
    fidelity: bool = False


def run(asked: Asked, out: Path, say: Say) -> Results:
    """Measure what the file `out` lacks; each line is in it as soon as it is there.

    Raises RunError (an unknown case, a file of another benchmark), DeviceError, ModelError, StoreError.
    """
    names = _names(asked.cases)
    device = pick_device(asked.device)
    dtype = pick_dtype(asked.dtype, device)
    with_lora = asked.model is None or asked.lora is not None
    work = Work(lora_scale=2.0 if with_lora else None)
    work = work if asked.steps is None else replace(work, steps=asked.steps, strength=0.5)
    fresh = Results(
        machine=machine.describe(device, dtype), work=work.words, dollars_per_hour=asked.dollars_per_hour
    )
    book = Book(out, replace(fresh, ceiling_tflops=clock.ceiling_tflops(device, dtype)))
    open_setting, name, side = _source(asked, device, dtype, work)
    sides = asked.sides or (side,)
    if asked.fidelity:
        _compare(names, sides, name, open_setting, book, say)
    else:
        order = Order(cases=names, sides=sides, batches=asked.batches, repeats=asked.repeats)
        run_order(order, open_setting, name, device, book, say)
    return book.results


def _names(cases: Sequence[str]) -> Sequence[str]:
    names = tuple(CASES) if tuple(cases) == ("all",) else tuple(cases)
    for name in names:
        if name not in CASES:
            raise RunError(f"--cases: there is no case {name!r}; there are {', '.join(CASES)}")
    return names


def _source(asked: Asked, device: torch.device, dtype: torch.dtype, work: Work) -> tuple[Open, str, int]:
    """What opens fresh weights, their name, and the side of their pictures."""

    def setting(made: Weights, lora: Path | None) -> Setting:
        return Setting(
            weights=made, lora=lora, scheduler=random_weights.scheduler(), device=device, work=work
        )

    def randomly(folder: Path) -> Setting:
        made = random_weights.make(asked.architecture, folder / "model", device, dtype)
        return setting(made, random_weights.save_lora(folder / "style.safetensors", made.transformer))

    if asked.model is None:
        return randomly, random_weights.NAME, asked.architecture.profile.size
    place = weights_.locate(asked.model)
    described = describe(place)
    load = partial(weights_.load, place, device=device, dtype=dtype)
    return lambda _: setting(load(), asked.lora), described.name, described.size.width


def _compare(
    names: Sequence[str], sides: Sequence[int], weights: str, open_setting: Open, book: Book, say: Say
) -> None:
    """Likeness to the plain path, case by case; of recipes that do less work it is their price."""
    seeds = list(range(_COMPARED))
    for side in sides:
        exact = _pictures("plain", side, seeds, open_setting)
        for name in names:
            line = Figure(case=name, side=side, batch=_COMPARED, weights=weights)
            try:
                found = compare(_pictures(name, side, seeds, open_setting), exact)
                line = replace(line, psnr=min(found.psnr, 999.0), distance=found.distance)
            except Exception as error:  # whatever it is, the other cases go on
                line = failed(line, error)
            line = replace(line, case=f"{name}, likeness")
            book.write(line)
            say(line)


def _pictures(name: str, side: int, seeds: Sequence[int], open_setting: Open) -> list[bytes]:
    with tempfile.TemporaryDirectory() as folder:
        return CASES[name](open_setting(Path(folder)))(side, seeds)
