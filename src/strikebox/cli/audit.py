"""`strikebox audit`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from strikebox.cli import options

if TYPE_CHECKING:
    from strikebox.measuring.audit import Done, Settings
    from strikebox.measuring.evidence import Sources


def audit(
    lora: options.LoraArgument,
    dataset: Annotated[
        str, typer.Option(help="Folder of the pictures it was trained on, or embedded.", show_default=False)
    ],
    held_out: options.HeldOutName = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the audit. Default: audits/<name of the LoRA>.")
    ] = None,
    style: options.Trigger = None,
    subject: Annotated[
        list[str] | None,
        typer.Option(help="What to draw; may be given again. Default: what the dataset says it shows."),
    ] = None,
    share: Annotated[
        float,
        typer.Option(
            "--certify",
            help="Make enough pictures to certify that at most this share repeats a training picture: "
            "0.05 takes 59, 0.01 takes 299.",
        ),
    ] = 0.05,
    white_box: Annotated[
        bool,
        typer.Option("--white-box/--no-white-box", help="Find memorised pictures by the model's losses."),
    ] = True,
    model: options.Model = None,
    judge: options.JudgeName = None,
    language: options.Language = "rus",
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    batch_size: options.BatchSize = 8,
    price: options.Price = options.DOLLARS_PER_HOUR,
    json: options.Json = False,
) -> None:
    """What LORA learned and what it memorised, how many of its pictures leak, and how to use it.

    What the folder holds already is not made again, so an audit that was interrupted goes on.
    """
    from strikebox.cli import console
    from strikebox.measuring import audit as audits
    from strikebox.measuring.evidence import Sources

    sources = Sources(
        lora=lora, dataset=dataset, held_out=held_out, model=model, style=style, language=language
    )
    settings = audits.Settings(
        subjects=tuple(subject or ()),
        share=share,
        white_box=white_box,
        judge=judge,
        device=device,
        dtype=dtype,
        batch_size=batch_size,
        dollars_per_hour=price,
    )
    done = _run(sources, out or Path("audits") / Path(lora).stem, settings, quiet=json)
    if json:
        console.print_json({"page": str(done.page), **done.facts()})
    else:
        _tell(done)


def _run(sources: "Sources", folder: Path, settings: "Settings", quiet: bool) -> "Done":
    from strikebox.cli import console
    from strikebox.measuring import audit as audits
    from strikebox.measuring.evidence import default_cache

    try:
        with console.watching(quiet) as watch:
            return audits.audit(sources, folder, default_cache(), settings, watch)
    except KeyboardInterrupt:
        print("interrupted; what is finished is kept. To go on, give the same command", file=sys.stderr)
        raise typer.Exit(130) from None


def _tell(done: "Done") -> None:
    from strikebox.cli import checklist, measure

    checklist.tell(done.evidence, done.audit.checklist)
    print()
    measure.tell(done.verdict)
    print()
    for one in done.audit.certificates:
        print(one.words)
    if done.audit.memorised is not None:
        print(done.audit.memorised.words)
    for line in done.audit.missing:
        print(line)
    print(f"\naudit     {done.page}")
