"""`strikebox checklist`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from strikebox.cli import options

if TYPE_CHECKING:
    from strikebox.lab.checklist import Checklist, Evidence

STOP = 3  # exit code


def checklist(
    lora: options.LoraArgument,
    dataset: Annotated[str, typer.Argument(help="Folder of the pictures it was trained on, or embedded.")],
    held_out: options.HeldOutName = None,
    design: Annotated[
        str, typer.Option(help="The design to be run: a shipped one, or a .toml file.")
    ] = "seed",
    style: options.Trigger = None,
    model: options.Model = None,
    features: Annotated[str, typer.Option(help="Extractor that the style's variety is measured by.")] = (
        "efficientnet"
    ),
    language: options.Language = "rus",
    cache: Annotated[
        Path | None, typer.Option(help="Folder that keeps what was seen. Default: ~/.cache/strikebox.")
    ] = None,
    json: options.Json = False,
) -> None:
    """What to know of LORA and its training set DATASET before an ablation: go, look or stop, with reasons.

    Exits with 3 where a row says stop.
    """
    from strikebox import api
    from strikebox.cli import console
    from strikebox.lab import checklist as checklists
    from strikebox.measuring import evidence

    sources = evidence.Sources(
        lora=lora,
        dataset=dataset,
        held_out=held_out,
        model=model,
        style=style,
        features=features,
        language=language,
    )
    with console.watching(quiet=json) as watch:
        gathered = evidence.gather(sources, api.load_design(design), cache or evidence.default_cache(), watch)
    _finish(gathered, checklists.check(gathered), json)


def _finish(evidence: "Evidence", done: "Checklist", json: bool) -> None:
    from strikebox.cli import console

    if json:
        console.print_json(_facts(evidence, done))
    else:
        tell(evidence, done)
    if done.verdict == "stop":
        raise typer.Exit(STOP)


def _facts(evidence: "Evidence", done: "Checklist") -> dict[str, object]:
    held = evidence.held_out
    return {
        "lora": {"name": evidence.header.name, "hash": evidence.header.hash},
        "dataset": str(evidence.training.path),
        "held_out": None if held is None else str(held.path),
        "model": evidence.model.name,
        "design": evidence.design.name,
        **done.facts(),
        "problems": list(evidence.training.problems),
        "held_out_problems": [] if held is None else list(held.problems),
    }


def tell(evidence: "Evidence", done: "Checklist") -> None:
    """The checklist in lines, after what is wrong with the folders."""
    from textwrap import fill

    for dataset in filter(None, (evidence.training, evidence.held_out)):
        for problem in dataset.problems:
            print(f"{dataset.path}: {problem}", file=sys.stderr)
    for row in done.rows:
        print(f"{row.verdict:4}  {row.title}: {row.figure}")
        print(fill(row.reason, 100, initial_indent=" " * 6, subsequent_indent=" " * 6))
    looks = sum(row.verdict == "look" for row in done.rows)
    if done.stops:
        print(f"\nstop: mend first: {', '.join(row.title for row in done.stops)}")
    else:
        print(f"\ngo, knowing {looks} of {len(done.rows)} rows" if looks else "\ngo")
