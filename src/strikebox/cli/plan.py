"""`strikebox plan`."""

from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated

import typer

from strikebox.cli import options

if TYPE_CHECKING:
    from strikebox.generation.backend import Model
    from strikebox.generation.plan import Plan
    from strikebox.lab.design import Design
    from strikebox.lab.power import Power


def plan(
    design: Annotated[
        str, typer.Argument(help="A shipped design (seed, controls, better) or a .toml file.")
    ] = "seed",
    model: options.Model = None,
    json: options.Json = False,
) -> None:
    """What DESIGN takes, and what it can and cannot detect, before anything is spent."""
    from strikebox import api
    from strikebox.cli import console
    from strikebox.generation.plan import make_plan
    from strikebox.lab.design import cells
    from strikebox.lab.power import power

    chosen, described = api.load_design(design), _with_lora(api.describe_model(model))
    planned, found = make_plan(cells(chosen, described), described), power(chosen)
    if json:
        console.print_json(_facts(chosen, planned, found))
    else:
        print(words(chosen, planned, found))


def words(design: "Design", planned: "Plan", found: "Power") -> str:
    """The plan in lines: what it takes, then what it can tell."""
    from textwrap import fill

    from strikebox.generation.cost import cost_all_alone, cost_shared
    from strikebox.lab.power import sentences
    from strikebox.lab.words import count_words, flops_words

    shared, alone = cost_shared(planned), cost_all_alone(planned)
    parts = (
        count_words(len(design.recipes), "recipe"),
        count_words(len(design.subjects), "subject"),
        count_words(len(design.seeds), "seed"),
    )
    lines = [
        f"{design.title}: {' x '.join(parts)} = {count_words(len(planned.cells), 'picture')}",
        f"{planned.guided_steps:,} guided steps, {planned.guided_steps_alone:,} if pictures shared nothing",
        f"{flops_words(shared.flops)}, {flops_words(alone.flops)} if pictures shared nothing",
        "",
        *(fill(line, 100, initial_indent="- ", subsequent_indent="  ") for line in sentences(found)),
    ]
    return "\n".join(lines)


def _with_lora(model: "Model") -> "Model":
    """The model as if it held a LoRA: which one does not change a plan."""
    return model if model.lora_hash else replace(model, lora_name="any", lora_hash="any")


def _facts(design: "Design", planned: "Plan", found: "Power") -> dict[str, object]:
    from strikebox.generation.cost import cost_all_alone, cost_shared
    from strikebox.lab.power import sentences

    return {
        "design": design.name,
        "model": planned.model.name,
        "pictures": len(planned.cells),
        "guided_steps": planned.guided_steps,
        "guided_steps_alone": planned.guided_steps_alone,
        "flops": cost_shared(planned).flops,
        "flops_alone": cost_all_alone(planned).flops,
        "power": asdict(found) | {"cells": found.cells, "reachable": found.reachable},
        "sentences": sentences(found),
    }
