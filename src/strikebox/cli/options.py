"""Options that several commands share."""

from pathlib import Path
from typing import Annotated

import typer

DOLLARS_PER_HOUR = 0.10  # about what two cores cost to rent

Model = Annotated[
    str | None,
    typer.Option(
        help="Diffusers directory or hub id of a FLUX.2-klein model. Default: the embedded klein-nano."
    ),
]
Lora = Annotated[
    str | None,
    typer.Option(
        help="LoRA as a .safetensors file, or none. Default: the embedded one, with the embedded model."
    ),
]
Device = Annotated[str, typer.Option(help="auto, cpu, mps, cuda or cuda:N.")]
Dtype = Annotated[
    str, typer.Option(help="auto, float32 or bfloat16. auto is bfloat16 where the device is fast at it.")
]
BatchSize = Annotated[int, typer.Option(min=1, help="Pictures at a time.")]
Price = Annotated[
    float,
    typer.Option(min=0.0, help="Dollars that an hour of this machine costs.", metavar="DOLLARS_PER_HOUR"),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout, and nothing else.")]
Size = Annotated[int | None, typer.Option(help="Side of the picture in pixels. Default: the model's own.")]
RecipeName = Annotated[str, typer.Argument(help="A shipped recipe's name, or a .toml file.")]
RunPath = Annotated[Path, typer.Argument(help="The folder of a run.")]
Training = Annotated[
    Path | None,
    typer.Option(
        help="Folder of what the LoRA was trained on. Default: the embedded LoRA's labels, with it."
    ),
]
HeldOut = Annotated[
    Path | None, typer.Option(help="Folder of pictures of the same style that the LoRA never saw.")
]
LoraArgument = Annotated[
    str, typer.Argument(metavar="LORA", help="LoRA as a .safetensors file, or embedded.")
]
HeldOutName = Annotated[
    str | None,
    typer.Option("--held-out", help="Folder of pictures of the same style that it never saw, or embedded."),
]
Trigger = Annotated[
    str | None,
    typer.Option("--style", help="The LoRA's trigger words. Default: as its file names them."),
]
JudgeName = Annotated[
    str | None,
    typer.Option("--judge", help="CLIP, SigLIP or dual encoder that knows the subjects: folder or hub id."),
]
StyleBy = Annotated[
    list[str] | None,
    typer.Option("--style-by", help="One more descriptor of style: a vision model's directory or hub id."),
]
Language = Annotated[str, typer.Option(help="Language of the lettering, as tesseract names it.")]
