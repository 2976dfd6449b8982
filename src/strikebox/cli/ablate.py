"""`strikebox ablate`."""

import shlex
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypedDict

import typer

from strikebox.cli import cluster_options, options, speed_options

if TYPE_CHECKING:
    from strikebox.api import Cluster
    from strikebox.generation.backend import Model
    from strikebox.klein.speed.tiers import Speed
    from strikebox.lab.design import Design
    from strikebox.lab.run import Run
    from strikebox.lab.verdict import Verdict
    from strikebox.measuring import Options


def ablate(
    design: Annotated[
        str, typer.Argument(help="A shipped design (seed, controls, better) or a .toml file.")
    ] = ("seed"),
    out: Annotated[
        Path | None, typer.Option(help="Folder of the run. Default: runs/<name of the design>.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that the folder holds.")] = False,
    model: options.Model = None,
    lora: options.Lora = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    speed: speed_options.Speed = "exact",
    batch_size: options.BatchSize = 8,
    ray: cluster_options.Ray = None,
    actors: cluster_options.Actors = None,
    cpus_per_actor: cluster_options.CpusPerActor = 1,
    training: options.Training = None,
    held_out: options.HeldOut = None,
    judge: options.JudgeName = None,
    measured: Annotated[
        bool, typer.Option("--measure/--no-measure", help="Measure the pictures and judge the recipes.")
    ] = True,
    price: options.Price = options.DOLLARS_PER_HOUR,
    json: options.Json = False,
) -> None:
    """Make all pictures of DESIGN, measure them, and write a report with the verdict."""
    from strikebox import api
    from strikebox.klein.speed import tiers

    chosen = api.load_design(design)
    folder = out or api.default_out(chosen)
    _check_folder(folder, resume)
    if not json and (file := api.lora_file(model, lora)):
        _explain(file)
    looking = _looking(training, held_out, judge, price) if measured else None
    weights: Weights = {"device": device, "dtype": dtype, "speed": tiers.parse(speed)}
    cluster = cluster_options.cluster(ray, actors, cpus_per_actor, looking)
    make = partial(_make_here, model, lora) if cluster is None else partial(_make_there, model, lora, cluster)
    try:
        run = make(weights, chosen, folder, batch_size, json)
        report = api.write_report(run, price)
        verdict = None if looking is None else _judge(run, looking, quiet=json)
    except KeyboardInterrupt:
        print(f"interrupted; what is finished is kept. To go on: {_resume_command()}", file=sys.stderr)
        raise typer.Exit(130) from None
    _tell(run, report, verdict, price, json)


class Weights(TypedDict):
    """How weights are loaded."""

    device: str
    dtype: str
    speed: "Speed"


def _make_here(
    model: str | None,
    lora: str | None,
    weights: Weights,
    design: "Design",
    folder: Path,
    batch_size: int,
    quiet: bool,
) -> "Run":
    from strikebox import api
    from strikebox.cli import console

    backend = api.load_backend(model, lora, **weights)
    if not quiet:
        print(_plan_words(design, backend.model), flush=True)
    with console.progress("pictures", quiet=quiet) as on_progress:
        return api.ablate(
            design,
            folder,
            backend=backend,
            settings={"dtype": api.precision(weights["device"], weights["dtype"])},
            spectrum=api.latent_spectrum(model, design.size),
            batch_size=batch_size,
            on_progress=on_progress,
        )


def _make_there(
    model: str | None,
    lora: str | None,
    cluster: "Cluster",
    weights: Weights,
    design: "Design",
    folder: Path,
    batch_size: int,
    quiet: bool,
) -> "Run":
    from strikebox import api
    from strikebox.cli import console

    with console.progress("pictures", quiet=quiet) as on_progress:
        return api.ablate(
            design,
            folder,
            model=model,
            lora=lora,
            **weights,
            cluster=cluster,
            batch_size=batch_size,
            on_progress=on_progress,
        )


def _check_folder(folder: Path, resume: bool) -> None:
    from strikebox.errors import RunError

    if not resume and (folder / "run.json").exists():
        raise RunError(f"{folder} holds a run already; pass --resume to go on with it, or another --out")


def _explain(lora: Path) -> None:
    from strikebox.lora import header

    print(header.read(lora).explain())


def _plan_words(design: "Design", model: "Model") -> str:
    from strikebox.generation.plan import make_plan
    from strikebox.lab.design import cells

    plan = make_plan(cells(design, model), model)
    parts = (
        f"{len(design.recipes)} recipes x {len(design.subjects)} subjects x {len(design.seeds)} seeds = "
        f"{len(plan.cells)} pictures"
    )
    steps = f"{plan.guided_steps:,} guided steps instead of {plan.guided_steps_alone:,}"
    return f"{design.title}: {parts}\n{steps}: what pictures share is made once"


def _resume_command() -> str:
    words = [Path(sys.argv[0]).name, *sys.argv[1:]]
    return shlex.join(words if "--resume" in words else [*words, "--resume"])


def _looking(training: Path | None, held_out: Path | None, judge: str | None, price: float) -> "Options":
    from strikebox import measuring

    return measuring.Options(training=training, held_out=held_out, judge=judge, dollars_per_hour=price)


def _judge(run: "Run", looking: "Options", quiet: bool) -> "Verdict":
    from strikebox import measuring
    from strikebox.cli import console

    with console.looking(quiet) as on_progress:
        return measuring.judge_run(run, looking, on_progress)[0]


def _tell(run: "Run", report: Path, verdict: "Verdict | None", price: float, json: bool) -> None:
    from strikebox.cli import console, measure
    from strikebox.lab.words import money_words, seconds_words

    if json:
        console.print_json(
            {
                "run": str(run.folder.path),
                "report": str(report),
                "seconds": run.seconds,
                "dollars": run.seconds * price / 3600,
                "costs": run.costs(price).to_dicts(),
                "recommended": None if verdict is None else verdict.recommendation.recipe,
            }
        )
        return
    console.print_costs(run, price)
    if verdict is not None:
        print()
        measure.tell(verdict)
    spent = money_words(run.seconds * price / 3600)
    print(f"\n{seconds_words(run.seconds)} of generation, {spent} at {money_words(price)} an hour")
    print(f"pictures  {run.folder.path / 'pictures'}\nreport    {report}")
