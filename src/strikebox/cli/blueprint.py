"""`strikebox blueprint`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from strikebox.cli import options

if TYPE_CHECKING:
    from strikebox.lab.blueprint import Blueprint


def blueprint(
    recipe: options.RecipeName,
    svg: Annotated[Path | None, typer.Option(help="Write the drawing to this SVG file.")] = None,
    mermaid: Annotated[bool, typer.Option("--mermaid", help="Print the Mermaid text alone.")] = False,
    size: options.Size = None,
    model: options.Model = None,
    json: options.Json = False,
) -> None:
    """What the passes of RECIPE do: start sigmas, what can cross between them, and what they cost."""
    from strikebox import api, files
    from strikebox.cli import console
    from strikebox.generation.backend import Size
    from strikebox.lab import blueprint as blueprints
    from strikebox.lab import blueprint_svg, blueprint_text

    side = None if size is None else Size(height=size, width=size)
    spectrum = api.latent_spectrum(model, side)
    drawn = blueprints.blueprint(api.load_recipe(recipe), api.describe_model(model), side, spectrum)
    if svg is not None:
        files.write(svg, blueprint_svg.svg(drawn).encode())
    if json:
        console.print_json(_facts(drawn, svg))
    elif mermaid:
        print(blueprint_text.mermaid(drawn), end="")
    elif svg is not None:
        print(svg)
    else:
        print(summary(drawn))
        print(blueprint_text.mermaid(drawn), end="")


def summary(drawn: "Blueprint") -> str:
    """The blueprint in lines."""
    from strikebox.lab.blueprint_text import arrival_words, cost_words, lora_words, total_words

    lines = [f"{drawn.recipe.title} on {drawn.model.name}: {drawn.recipe.description}"]
    for station in drawn.stations:
        if station.number > 1:
            lines += [f"     {words}" for words in arrival_words(station)]
        lines.append(f"  {station.number}  {station.kind} “{station.prompt}”")
        lines.append(f"     {lora_words(station)}; {cost_words(station)}")
    return "\n".join([*lines, f"  =  {total_words(drawn)}\n"])


def _facts(drawn: "Blueprint", svg: Path | None) -> dict[str, object]:
    passes: list[dict[str, object]] = []
    for station in drawn.stations:
        crossing = station.entrance
        passes.append(
            {
                "kind": station.kind,
                "prompt": station.prompt,
                "steps": station.steps,
                "lora_steps": station.lora_steps,
                "runs": station.runs,
                "start_sigma": station.sigmas[0],
                "strength": None if crossing is None else crossing.strength,
                "bits": None if crossing is None else crossing.bits,
                "verdict": None if crossing is None else crossing.verdict,
                "forwards": station.cost.forwards,
                "flops": station.cost.flops,
            }
        )
    return {
        "recipe": drawn.recipe.name,
        "model": drawn.model.name,
        "svg": None if svg is None else str(svg),
        "passes": passes,
        "forwards": drawn.cost.forwards,
        "flops": drawn.cost.flops,
    }
