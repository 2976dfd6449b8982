"""What commands print: lines, tables, JSON and progress."""

import json
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from strikebox.generation.render import Progress as Done
from strikebox.lab.measure import OnProgress as OnLooked
from strikebox.lab.run import Run
from strikebox.lab.verdict import Verdict
from strikebox.lab.verdict.grades import LADDERS, Grade
from strikebox.lab.words import UNKNOWN, flops_words, money_words, number_words, seconds_words

OnProgress = Callable[[Done], None]
_WIDTH = 110  # columns, where nobody watches
Watch = Callable[[str], Callable[[int, int], None]]  # what is being done -> how far it is


def print_json(content: object) -> None:
    """One JSON object, on stdout."""
    print(json.dumps(content, ensure_ascii=False, indent=1))


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Lines of numbers under their headings."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


def print_costs(run: Run, dollars_per_hour: float) -> None:
    """What one picture of each recipe costs by itself, as a table."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("arm", "recipe"):
        table.add_column(name)
    for name in ("pictures", "forwards", "FLOPs", "seconds", "dollars"):
        table.add_column(name, justify="right")
    for row in run.costs(dollars_per_hour).iter_rows(named=True):
        table.add_row(
            row["arm"] or "",
            Text(row["recipe"]),
            str(row["pictures"]),
            "-" if row["forwards"] is None else f"{row['forwards']:g}",
            flops_words(row["flops"]),
            seconds_words(row["seconds"]),
            money_words(row["dollars"]),
        )
    Console().print(table)


@contextmanager
def progress(unit: str, quiet: bool) -> Generator[OnProgress]:
    """A bar on stderr with rate and time left, fed by what is yielded. `quiet`: none."""
    if quiet:
        yield lambda _: None
        return
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda done: _line(done, unit)
        return
    bar = Progress(*_COLUMNS, console=console)
    first: list[int] = []

    def show(done: Done) -> None:
        if not first:
            first.append(done.steps_done)
            bar.start()
            bar.add_task(unit, total=done.steps, cells="", rate="", left="")
        _update(bar, done, first[0])

    try:
        yield show
    finally:
        if first:
            bar.stop()


_COLUMNS = (
    BarColumn(bar_width=None),
    TextColumn("{task.fields[cells]} {task.description}", style="bold"),
    TextColumn("{task.completed:,.0f} of {task.total:,.0f} steps"),
    TextColumn("{task.fields[rate]}"),
    TimeElapsedColumn(),
    TextColumn("{task.fields[left]}"),
)


def _update(bar: Progress, done: Done, first: int) -> None:
    """The rate is that of this sitting: what was done `first`, by an earlier one, does not count."""
    task = bar.tasks[0]
    rate = (done.steps_done - first) / task.elapsed if task.elapsed else 0.0
    left = f"{seconds_words((done.steps - done.steps_done) / rate)} left" if rate else ""
    bar.update(
        task.id,
        completed=done.steps_done,
        cells=f"{done.cells_done} of {done.cells}",
        rate=f"{rate:.1f} steps/s" if rate else "",
        left=left,
    )


def _line(done: Done, unit: str) -> None:
    """For logs, which show no bars: a line now and then."""
    if done.cells_done and done.cells_done % 25 == 0:
        print(f"{done.cells_done} of {done.cells} {unit}", file=sys.stderr, flush=True)


def print_verdict(verdict: Verdict) -> None:
    """The table of a verdict: words with their numbers; a dash where nothing was measured."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("arm")
    table.add_column("recipe", no_wrap=True)  # names of a sweep differ at their end
    for ladder in LADDERS:
        table.add_column(ladder.title.lower())
    for row in verdict.table.rows:
        words = [_graded(row.grades.get(ladder.column)) for ladder in LADDERS]
        table.add_row(row.recipe.arm or "", Text(row.recipe.name), *words)
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)


def _graded(grade: Grade | None) -> str:
    return UNKNOWN if grade is None else f"{grade.word} {number_words(grade.number)}"


@contextmanager
def looking(quiet: bool) -> Generator[OnLooked]:
    """A line on stderr that says what is being looked at. `quiet`: none."""
    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield lambda name, done, of: None
        return
    with console.status("measuring") as status:
        yield lambda name, done, of: status.update(f"{name}: {done:,} of {of:,} pictures")


@contextmanager
def watching(quiet: bool) -> Generator[Watch]:
    """Bars on stderr, one for each thing that is done; none where nobody watches."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=quiet or not console.is_terminal) as bars:

        def watch(what: str) -> Callable[[int, int], None]:
            task = bars.add_task(what, total=None)
            return lambda done, of: bars.update(task, completed=done, total=of)

        yield watch
