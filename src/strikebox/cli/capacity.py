"""`strikebox capacity`."""

import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from strikebox.cli import capacity_options as given
from strikebox.cli import options, site_options

if TYPE_CHECKING:
    from strikebox.jobs import Database
    from strikebox.site.capacity.answer import Answer, Goal
    from strikebox.site.capacity.measured import Measured
    from strikebox.site.capacity.scenario import Kind, Scenario
    from strikebox.site.capacity.traffic import Orders
    from strikebox.site.capacity.words import Asked
    from strikebox.site.settings import Settings

_MOST = 256  # GPUs that are tried
_HOUR = 3600.0


def capacity(
    visitors: given.Visitors = None,
    orders: given.Orders = 1.0,
    peak: given.Peak = 1.8,
    crowds: given.Crowds = 0.0,
    crowd: given.Crowd = 0.0,
    kind: given.Kinds = None,
    batch: given.Batch = None,
    queue: given.Queue = None,
    budget: given.Budget = None,
    price: given.Price = None,
    gpus: given.Gpus = "",
    least: given.Least = None,
    start: given.Start = 60.0,
    lives: given.Lives = None,
    restart: given.Restart = 60.0,
    wait_p95: given.WaitP95 = 60.0,
    refused: given.Refused = 0.01,
    days: given.Days = 1.0,
    replications: given.Replications = 8,
    seed: given.Seed = 0,
    html: given.Html = None,
    config: site_options.Config = None,
    json: options.Json = False,
) -> None:
    """Simulate the site: how many GPUs so many visitors need, at what wait and price, and what limits."""
    from strikebox.errors import StoreError
    from strikebox.site.capacity import scenario as of
    from strikebox.site.capacity.answer import Goal
    from strikebox.site.capacity.traffic import Visitors

    if html is not None and not html.parent.is_dir():
        raise StoreError(f"{html.parent}: is no folder; give --html a path in one that exists")
    settings = site_options.settings(config, None)
    kinds, recorded, notes = _known(settings, kind or [], replay=visitors is None)
    people = Visitors(a_day=visitors or 0.0, orders=orders, peak=peak, crowds=crowds, crowd=crowd)
    spend = settings.budget.dollars_per_day if budget is None else budget
    scenario = of.Scenario(
        kinds=kinds,
        orders=recorded or people,
        fleet=of.Fleet(
            gpus=max(least or 1, 1),
            least=least,
            start=start,
            lives=None if lives is None else lives * _HOUR,
            restart=restart,
            dollars_per_hour=settings.budget.dollars_per_hour if price is None else price,
        ),
        house=of.House(
            batch=settings.model.batch if batch is None else batch,
            queue=settings.limits.queue if queue is None else queue,
            dollars_per_day=None if spend == 0 and budget is not None else spend,
            first_guess=settings.budget.first_guess,
        ),
        days=days,
    )
    goal = Goal(wait_p95=wait_p95, refused=refused)
    _show(_asked(scenario, goal, gpus, replications, seed, notes, quiet=json), html, json)


def _known(
    settings: "Settings", given: Sequence[str], *, replay: bool
) -> "tuple[tuple[Kind, ...], Orders | None, tuple[str, ...]]":
    """Kinds of pictures, the recorded orders where they are played again, and where both come from."""
    from strikebox.errors import SettingsError

    if given:
        if replay:
            raise SettingsError("--kind: goes with --visitors; recorded orders are of the site's own recipes")
        return tuple(map(_kind, given)), None, ("Seconds of batches are those given, not measured.",)
    from strikebox.site.capacity.measured import measured, recorded

    with _database(settings) as database:
        found = measured(database)
        orders = recorded(database, found) if replay else None
    return tuple(one.kind for one in found), orders, tuple(map(_note, found))


@contextmanager
def _database(settings: "Settings") -> "Generator[Database]":
    """That of the site; nothing is made where there is none."""
    from strikebox.errors import SettingsError
    from strikebox.jobs import Database

    where = settings.database
    if "://" not in where and not Path(where).is_file():
        raise SettingsError(f"{where}: there is no site to measure; give --config, or --kind and --visitors")
    with Database(where) as database:
        yield database


def _kind(text: str) -> "Kind":
    """Raises SettingsError where it is none."""
    from strikebox.errors import SettingsError
    from strikebox.site.capacity.scenario import Kind

    name, *numbers = text.split(":")
    try:
        fixed, each, share, spread = (float(one) for one in [*numbers, "1", "0"][: max(4, len(numbers))])
    except ValueError:
        raise SettingsError(f"--kind: is {text!r}; give NAME:FIXED:EACH, as soft:0.5:2.5") from None
    return Kind(name=name or "pictures", fixed=fixed, each=each, share=share, spread=spread)


def _note(found: "Measured") -> str:
    alone = "; of one size only, so what other sizes take is guessed" if found.sizes == 1 else ""
    return f"{found.kind.name}: measured from the latest {found.batches} batches of the site{alone}."


def _asked(
    scenario: "Scenario",
    goal: "Goal",
    gpus: str,
    replications: int,
    seed: int,
    notes: tuple[str, ...],
    *,
    quiet: bool,
) -> "Asked":
    """Simulate; a line on stderr says what was found so far."""
    from strikebox.site.capacity import answer
    from strikebox.site.capacity.words import Asked

    numbers = _numbers(gpus)
    with answer.runner(replications, seed, os.cpu_count() or 1) as run:
        if numbers is None:
            found = answer.search(scenario, goal, _MOST, run)
        else:
            found = (answer.ask(scenario, number, run) for number in numbers)
        answers: list[Answer] = []
        for one in found:
            answers.append(one)
            if not quiet:
                print(f"simulated {one.gpus} GPUs {replications} times", file=sys.stderr, flush=True)
    ordered = tuple(sorted(answers, key=lambda one: one.gpus))
    return Asked(
        scenario=scenario, goal=goal, answers=ordered, replications=replications, seed=seed, notes=notes
    )


def _numbers(text: str) -> "range | None":
    from strikebox.errors import SettingsError

    if not text:
        return None
    low, _, high = text.partition("-")
    try:
        numbers = range(int(low), int(high or low) + 1)
    except ValueError:
        numbers = range(0)
    if not numbers or numbers[0] < 1 or numbers[-1] > _MOST:
        raise SettingsError(f"--gpus: is {text!r}; give two numbers between 1 and {_MOST}, as 2-6")
    return numbers


def _show(asked: "Asked", html: Path | None, json: bool) -> None:
    from strikebox import files
    from strikebox.cli import console
    from strikebox.site.capacity import page, words

    if html is not None:
        files.write(html, page.html(asked).encode())
    if json:
        console.print_json(words.as_json(asked))
        return
    console.print_table(words.HEADINGS, words.rows(asked.answers))
    for name, value in words.inputs(asked):
        print(f"{name}: {value}")
    print(*asked.notes, "", words.verdict(asked), *([html] if html else []), sep="\n")
