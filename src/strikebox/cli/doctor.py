"""`strikebox doctor`."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer

from strikebox.cli import options, site_options

if TYPE_CHECKING:
    from strikebox.doctor import Examined

STOP = 3
"""Exit code where something keeps the site from running."""

_WORDS = {"ok": "ok  ", "look": "look", "bad": "BAD "}


def doctor(config: site_options.Config = None, json: options.Json = False) -> None:
    """Look at this machine and the configuration before serving. Changes nothing."""
    from strikebox.cli import console
    from strikebox.doctor import examine

    found: list[Examined] = []
    for one in examine(site_options.settings(config, None)):
        found.append(one)
        if not json:
            print(f"{_WORDS[one.state]}  {one.what:12}{one.found}", flush=True)
    if json:
        console.print_json({"found": [asdict(one) for one in found]})
    if any(one.state == "bad" for one in found):
        raise typer.Exit(STOP)
