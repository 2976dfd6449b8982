"""`strikebox measure`."""

from typing import TYPE_CHECKING

from strikebox.cli import options

if TYPE_CHECKING:
    from strikebox.lab.verdict import Verdict


def measure(
    run: options.RunPath,
    training: options.Training = None,
    held_out: options.HeldOut = None,
    judge: options.JudgeName = None,
    style_by: options.StyleBy = None,
    language: options.Language = "rus",
    price: options.Price = options.DOLLARS_PER_HOUR,
    json: options.Json = False,
) -> None:
    """Measure the pictures of RUN, judge its recipes, and write the report with the verdict."""
    from strikebox import api, measuring
    from strikebox.cli import console
    from strikebox.lab.verdict import export

    chosen = measuring.Options(
        training=training,
        held_out=held_out,
        judge=judge,
        style=tuple(style_by or ()),
        language=language,
        dollars_per_hour=price,
    )
    with console.looking(quiet=json) as on_progress:
        verdict, report = measuring.judge_run(api.open_run(run), chosen, on_progress)
    if json:
        print(export.as_json(verdict), end="")
    else:
        tell(verdict)
        print(f"report    {report}")


def tell(verdict: "Verdict") -> None:
    """The verdict in lines: the table, the pitfalls, the recipe to ship."""
    from strikebox.cli import console

    console.print_verdict(verdict)
    for finding in verdict.findings:
        print(f"{finding.status:8}{finding.title}: {finding.because}")
    recommended = verdict.table.row(verdict.recommendation.recipe).recipe
    print(f"\nShip: {recommended.title} ({recommended.name})")
    for line in verdict.recommendation.because:
        print(f"  {line}")
