"""How fast commands make pictures."""

from typing import Annotated

import typer

Speed = Annotated[
    str,
    typer.Option(
        help="exact (the same picture to rounding), quantised (8-bit products) or approximate (features are "
        "used again, too). What a machine cannot do is said, and left out."
    ),
]
