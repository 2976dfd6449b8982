"""`strikebox generate`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from strikebox.cli import options, speed_options

if TYPE_CHECKING:
    from strikebox import api


def generate(
    subject: Annotated[str, typer.Argument(help='What to draw, for example "cat".')],
    recipe: Annotated[str, typer.Option(help="A shipped recipe's name, or a .toml file.")] = "sandwich",
    seed: Annotated[int, typer.Option(help="Seed of the noise.")] = 1,
    out: Annotated[
        Path | None, typer.Option(help="The PNG to write. Default: SUBJECT-RECIPE-SEED.png.")
    ] = None,
    style: Annotated[
        str | None,
        typer.Option(help="What {style} stands for: the LoRA's trigger words. Default: as it says."),
    ] = None,
    other: Annotated[str | None, typer.Option(help="What {other} stands for: another subject.")] = None,
    size: options.Size = None,
    model: options.Model = None,
    lora: options.Lora = None,
    device: options.Device = "auto",
    dtype: options.Dtype = "auto",
    speed: speed_options.Speed = "exact",
    price: options.Price = options.DOLLARS_PER_HOUR,
    json: options.Json = False,
) -> None:
    """Make one picture of SUBJECT; recipe, seed and hashes are kept inside the PNG."""
    from strikebox import api
    from strikebox.cli import console
    from strikebox.klein.speed import tiers
    from strikebox.recipe import check_subject

    chosen = api.load_recipe(recipe)
    target = out or Path(file_name(check_subject(subject), chosen.name, seed))
    _check_target(target)
    if not json and chosen.uses_lora:
        _explain_lora(model, lora)
    with console.progress("pictures", quiet=json or not sys.stderr.isatty()) as on_progress:
        picture = api.generate(
            subject,
            chosen,
            seed,
            style=style,
            other=other,
            size=size,
            model=model,
            lora=lora,
            device=device,
            dtype=dtype,
            speed=tiers.parse(speed),
            on_progress=on_progress,
        )
    picture.save(target)
    if json:
        console.print_json(_facts(picture, target, price))
    else:
        _tell(picture, target, price)


def file_name(subject: str, recipe: str, seed: int) -> str:
    """A name that is safe in any folder: what is no letter or digit becomes a hyphen."""
    words = "".join(c if c.isalnum() else "-" for c in subject)[:60].strip("-") or "picture"
    return f"{words}-{recipe}-{seed}.png"


def _check_target(target: Path) -> None:
    from strikebox.errors import StoreError

    if target.is_dir():
        raise StoreError(f"{target} is a folder; give --out a file, for example {target / 'cat.png'}")
    if not target.parent.is_dir():
        raise StoreError(f"the folder {target.parent} does not exist; create it, or give --out another file")


def _explain_lora(model: str | None, lora: str | None) -> None:
    from strikebox import api
    from strikebox.lora import header

    file = api.lora_file(model, lora)
    if file is not None:
        print(header.read(file).explain(), file=sys.stderr)


def _tell(picture: "api.Picture", target: Path, price: float) -> None:
    from strikebox.lab.words import flops_words, money_words, seconds_words

    cost = picture.cost.measured(picture.cost.seconds or 0.0, price)
    price_words = f"{money_words(cost.dollars)} at {money_words(price)} an hour"
    print(target)
    print(
        f"{picture.recipe.title}, seed {picture.seed}: {seconds_words(cost.seconds)}, "
        f"{cost.forwards} forwards, {flops_words(cost.flops)}, {price_words}"
    )


def _facts(picture: "api.Picture", target: Path, price: float) -> dict[str, object]:
    cost = picture.cost.measured(picture.cost.seconds or 0.0, price)
    return {
        "picture": str(target),
        "recipe": {"name": picture.recipe.name, "hash": picture.recipe.hash},
        "subject": picture.subject,
        "seed": picture.seed,
        "prompts": picture.prompts,
        "model": {"name": picture.model.name, "hash": picture.model.hash},
        "lora": {"name": picture.model.lora_name, "hash": picture.model.lora_hash},
        "forwards": cost.forwards,
        "flops": cost.flops,
        "seconds": cost.seconds,
        "dollars": cost.dollars,
    }
