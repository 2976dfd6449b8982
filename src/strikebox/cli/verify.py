"""`strikebox verify`."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from strikebox.cli import options

_WORDS = {"yes": "holds", "no": "DOES NOT HOLD", "absent": "absent"}


def verify(
    file: Annotated[Path, typer.Argument(help="A PNG, JPEG or WebP picture.")],
    trust: Annotated[
        Path | None, typer.Option(help="PEM certificates to trust: a site's certificate.pem.")
    ] = None,
    picture: Annotated[
        str | None, typer.Option(help="Id of the picture that it is said to be, from its page's address.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Say what FILE proves about where it comes from, and what it does not."""
    from strikebox import files
    from strikebox.cli import console
    from strikebox.errors import ProvenanceError
    from strikebox.site import verification

    roots = None if trust is None else files.read(trust).decode("utf-8", "replace")
    content = files.read(file)
    try:
        traces = verification.verify(content, roots=roots, name=picture)
    except ProvenanceError as error:
        raise ProvenanceError(f"{file}: {error}") from None
    if json:
        console.print_json({"file": str(file), "traces": [asdict(trace) for trace in traces]})
        return
    for trace in traces:
        print(f"{trace.name}: {_WORDS[trace.outcome]}")
        print(f"  Found:  {trace.found}")
        print(f"  Proves: {trace.proves}")
