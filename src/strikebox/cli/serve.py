"""`strikebox serve`."""

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from strikebox.cli import site_options

if TYPE_CHECKING:
    from fastapi import FastAPI

    from strikebox.site.context import Site
    from strikebox.worker.children import Children

PORT = 8080
_LAST_ANSWERS = 5  # seconds that open connections have when the site leaves


def serve(
    host: Annotated[
        str, typer.Option(help="Address to serve on. 0.0.0.0 lets other machines of the network in.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the site; 0 is any free one.")] = PORT,
    workers: Annotated[
        int, typer.Option(min=0, max=16, help="Worker processes to run; 0: run strikebox worker elsewhere.")
    ] = 1,
    config: site_options.Config = None,
    recipe: site_options.Recipe = None,
    hash_password: Annotated[
        bool, typer.Option("--hash-password", help="Ask for a password, print admin.password_hash, and end.")
    ] = False,
) -> None:
    """Serve the art site, and make its pictures; ctrl-C ends it.

    Without a configuration it runs on the embedded model and serves the recipe that runs/better recommends.
    """
    if hash_password:
        _print_hash()
        return
    from strikebox.cli.listening import address, listen
    from strikebox.site import logs
    from strikebox.site.context import open_site
    from strikebox.worker.children import Children

    # uvicorn raises the signal once more when it is done, and workers must still be waited for then.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    settings = site_options.settings(config, recipe)
    site = open_site(settings)
    logs.set_up()
    with listen(host, port) as listener, Children(_worker(config, recipe), workers, site) as children:
        app = _app(site)
        print(f"{address(host, listener)}  serves {site.recipe.title}  (ctrl-C ends it)", flush=True)
        _run(app, listener, children)
    site.close()


def _app(site: "Site") -> "FastAPI":
    from strikebox import api
    from strikebox.lora import header
    from strikebox.site.app import create_app

    name, file = site.settings.model.model, api.lora_file(site.settings.model.model, site.settings.model.lora)
    lora = header.read(file) if file is not None and file.is_file() else None  # workers may be elsewhere
    if name is not None and not Path(name).expanduser().is_dir():
        return create_app(site, lora=lora)  # looking a hub's model up would load torch into this process
    return create_app(site, api.describe_model(name), api.latent_spectrum(name), lora)


def _run(app: "FastAPI", listener: Any, children: "Children") -> None:
    """Until a signal: then workers are told first, for they take longest to leave."""
    import uvicorn

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: Any) -> None:
            children.tell_to_leave()
            super().handle_exit(sig, frame)

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # the site knows how many proxies to believe
        timeout_graceful_shutdown=_LAST_ANSWERS,
    )
    try:
        Server(config).run(sockets=[listener])
    except KeyboardInterrupt:
        print()


def _worker(config: Path | None, recipe: str | None) -> list[str]:
    """The command of one worker process."""
    command = [sys.executable, "-c", "from strikebox.cli import main; main()", "worker"]
    command += ["--parent", str(os.getpid())]
    command += [] if config is None else ["--config", str(config)]
    return command + ([] if recipe is None else ["--recipe", recipe])


def _print_hash() -> None:
    from strikebox.site.passwords import hash_password

    password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    print(hash_password(password))
