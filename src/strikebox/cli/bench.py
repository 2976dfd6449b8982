"""`strikebox bench`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from strikebox.cli import options

if TYPE_CHECKING:
    from strikebox.lab.bench.figures import Figure


def bench(
    out: Annotated[Path, typer.Option(help="JSON file; what it holds already is not measured again.")] = Path(
        "bench.json"
    ),
    cases: Annotated[
        str, typer.Option(help="Names with commas between; all says all there are.")
    ] = "stock,fair,plain,exact,quantised,approximate",
    sizes: Annotated[str, typer.Option(help="Sides in pixels. Default: the model's own.")] = "",
    batches: Annotated[str, typer.Option(help="Pictures at a time, for example 1,4,16.")] = "1",
    repeats: Annotated[int, typer.Option(min=1, help="Warm batches whose median counts.")] = 3,
    random_weights: Annotated[
        bool, typer.Option("--random-weights", help="FLUX.2-klein-base-4B's architecture, weights random.")
    ] = False,
    fidelity: Annotated[
        bool,
        typer.Option("--fidelity", help="Compare pictures with the plain path's instead of timing."),
    ] = False,
    quick: Annotated[
        bool, typer.Option("--quick", help="Two steps, one repeat: does everything run?")
    ] = False,
    model: options.Model = None,
    lora: options.Lora = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    price: options.Price = options.DOLLARS_PER_HOUR,
    json: options.Json = False,
) -> None:
    """Time the sandwich side by side with stock diffusers, on this machine, and write JSON and a page."""
    from strikebox import api, files
    from strikebox.cli import console
    from strikebox.klein.bench import suite
    from strikebox.lab.bench import figures, page

    asked = suite.Asked(
        cases=_words(cases),
        sides=_numbers("--sizes", sizes),
        batches=_numbers("--batches", batches),
        repeats=1 if quick else repeats,
        model=None if random_weights else api.model_place(model),
        lora=api.lora_file(model, lora),
        device=device,
        dtype=dtype,
        dollars_per_hour=price,
        steps=4 if quick else None,
        fidelity=fidelity,
    )
    results = suite.run(asked, out, lambda line: None if json else _say(line))
    files.write(out.with_suffix(".html"), page.html(results).encode())
    if json:
        console.print_json(_as_json(figures.dumps(results)))
    else:
        print(f"{out}\n{out.with_suffix('.html')}")


def _say(line: "Figure") -> None:
    took = f"failed: {line.error}" if line.seconds is None else f"{line.seconds:.3f} s a picture"
    if line.psnr is not None:
        took = f"{line.psnr:.1f} dB, distance {line.distance:.4f}"
    print(f"{line.key}: {took}", file=sys.stderr, flush=True)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _numbers(option: str, text: str) -> tuple[int, ...]:
    from strikebox.errors import SettingsError

    try:
        numbers = tuple(int(word) for word in _words(text))
    except ValueError:
        raise SettingsError(f"{option}: is {text!r}; give whole numbers with commas between") from None
    if any(number < 1 for number in numbers):
        raise SettingsError(f"{option}: is {text!r}; numbers are at least 1")
    return numbers


def _as_json(text: str) -> dict[str, object]:
    import json

    values: dict[str, object] = json.loads(text)
    return values
