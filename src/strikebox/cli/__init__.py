"""The command line. Commands import what they need when they run, so that `--help` answers at once."""

import sys
from collections.abc import Sequence

import typer

from strikebox.cli import (
    ablate,
    audit,
    backup,
    bench,
    blueprint,
    capacity,
    checklist,
    db,
    doctor,
    generate,
    measure,
    plan,
    recipes,
    report,
    serve,
    verify,
    vote,
    worker,
)
from strikebox.errors import StrikeboxError

_EPILOG = (
    "Exit codes: 0 done, 1 a bug in Strikebox (db: not sound), 2 bad input (one line on stderr), 3 checklist "
    "or doctor says stop, 130 interrupted."
)

app = typer.Typer(
    name="strikebox",
    help="Finds out what a style LoRA really learned.",
    epilog=_EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,  # importing its markup takes longer than all the rest
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("generate", epilog=_EPILOG)(generate.generate)
app.command("ablate", epilog=_EPILOG)(ablate.ablate)
app.command("measure", epilog=_EPILOG)(measure.measure)
app.command("report", epilog=_EPILOG)(report.report)
app.command("plan", epilog=_EPILOG)(plan.plan)
app.command("checklist", epilog=_EPILOG)(checklist.checklist)
app.command("audit", epilog=_EPILOG)(audit.audit)
app.command("bench", epilog=_EPILOG)(bench.bench)
app.command("vote", epilog=_EPILOG)(vote.vote)
app.command("serve", epilog=_EPILOG)(serve.serve)
app.command("worker", epilog=_EPILOG)(worker.worker)
app.command("backup", epilog=_EPILOG)(backup.backup)
app.command("restore", epilog=_EPILOG)(backup.restore)
app.command("doctor", epilog=_EPILOG)(doctor.doctor)
app.command("capacity", epilog=_EPILOG)(capacity.capacity)
app.command("verify", epilog=_EPILOG)(verify.verify)
app.command("blueprint", epilog=_EPILOG)(blueprint.blueprint)
app.add_typer(db.app, name="db", epilog=_EPILOG)
app.add_typer(recipes.app, name="recipes", epilog=_EPILOG)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and leave with its exit code."""
    try:
        app(args=arguments)
    except StrikeboxError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        raise SystemExit(2) from None
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None


@app.callback(invoke_without_command=True)
def _options(
    version: bool = typer.Option(False, "--version", help="Print the version.", is_eager=True),
) -> None:
    if version:
        from strikebox import __version__

        print(__version__)
        raise typer.Exit
