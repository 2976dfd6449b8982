"""Runs cases one after the other. Each is a line on the disk before the next begins, one that fails too."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter

import torch
import torch._dynamo

from strikebox.generation.backend import Size
from strikebox.generation.cost import cost_alone
from strikebox.generation.plan import make_cell, make_plan
from strikebox.klein.bench import clock
from strikebox.klein.bench.cases import CASES, Maker, Setting
from strikebox.klein.description import describe
from strikebox.lab.bench.figures import Book, Figure

Say = Callable[[Figure], None]
Open = Callable[[Path], Setting]
"""A folder for files -> fresh weights and what belongs to them: a maker may change the weights it gets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to measure."""

    cases: Sequence[str]
    sides: Sequence[int]  # px
    batches: Sequence[int] = (1,)
    repeats: int = 3


def run(order: Order, open_setting: Open, weights: str, device: torch.device, book: Book, say: Say) -> None:
    """Measure what `book` lacks of `order`. Raises StoreError where the book cannot be written."""
    for case in order.cases:
        lines = [_line(case, side, batch, weights) for side in order.sides for batch in order.batches]
        left = [line for line in lines if not book.done(line.key)]
        if left:
            for figure in _case(case, left, order.repeats, open_setting, device, book):
                book.write(figure)
                say(figure)


def _line(case: str, side: int, batch: int, weights: str) -> Figure:
    return Figure(case=case, side=side, batch=batch, weights=weights)


def _case(
    case: str, lines: Sequence[Figure], repeats: int, open_setting: Open, device: torch.device, book: Book
) -> Iterator[Figure]:
    """The lines of one case, all by one maker, which is gone afterwards."""
    clock.forget(device)
    started = perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        try:
            setting = open_setting(Path(folder))
            maker = CASES[case](setting)
        except Exception as error:  # whatever it is, the other cases go on
            yield from (failed(line, error) for line in lines)
            return
        load = perf_counter() - started
        for line in lines:
            torch._dynamo.reset()  # each size gets kernels of its own, as in a process that makes no other
            yield _measured(replace(line, load_seconds=load), maker, setting, repeats, book)


def _measured(line: Figure, maker: Maker, setting: Setting, repeats: int, book: Book) -> Figure:
    seeds = [list(range(number * line.batch, (number + 1) * line.batch)) for number in range(repeats + 1)]
    device = setting.device
    try:
        first = clock.seconds(lambda: maker(line.side, seeds[0]), device)
        clock.forget(device)
        made = len(maker(line.side, seeds[0]))  # again: by now all shapes are compiled
        taken = [clock.seconds(lambda some=some: maker(line.side, some), device) for some in seeds[1:]]
    except Exception as error:  # out of memory, say: the other sizes go on
        return failed(line, error)
    done = replace(line, seconds=median(taken) / made, repeats=repeats, first_seconds=first)
    tflops = _recipe_flops(setting, line.side) / median(taken) * made / 1e12
    ceiling, price = book.results.ceiling_tflops, book.results.dollars_per_hour
    return replace(
        done,
        tflops=tflops,
        share=None if ceiling is None else tflops / ceiling,
        peak_gib=clock.peak_gib(device),
        dollars=None if price is None else price * median(taken) / made / 3600,
        notes=maker.notes,  # once more: what failed on the way is noted there
    )


def failed(line: Figure, error: Exception) -> Figure:
    """The line of a case that could not be run."""
    words = " ".join(str(error).split())[:300]
    return replace(line, error=f"{type(error).__name__}: {words}")


def _recipe_flops(setting: Setting, side: int) -> int:
    """FLOPs of the sandwich itself: what a case leaves out or does beside it does not count."""
    model = replace(describe(setting.weights.directory), lora_hash="counted")
    recipe = setting.work.recipe()
    cell = make_cell(recipe, "cat", 0, model, size=Size(height=side, width=side))
    return cost_alone(make_plan([cell], model), cell).flops
