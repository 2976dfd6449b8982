"""`strikebox vote`."""

from typing import Annotated

import typer

from strikebox.cli import options

_PORT = 8033


def vote(
    run: options.RunPath,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the page; 0 is any free one.")] = _PORT,
    rater: Annotated[str, typer.Option(help="Who votes. Votes of two raters are compared.")] = "anonymous",
    host: Annotated[
        str, typer.Option(help="Address to serve on. 0.0.0.0 lets other machines of the network in.")
    ] = "127.0.0.1",
) -> None:
    """Ask which of two pictures of RUN is better, on a page in the browser; ctrl-C ends it."""
    import numpy as np
    import uvicorn

    from strikebox import api
    from strikebox.cli.listening import address, listen
    from strikebox.lab.votes.page import app
    from strikebox.lab.votes.sitting import Sitting
    from strikebox.lab.words import count_words

    opened, generator = api.open_run(run), np.random.default_rng()
    page = app(opened, generator, rater)
    with listen(host, port) as listener:
        print(f"{address(host, listener)}  (ctrl-C ends it)", flush=True)
        server = uvicorn.Server(uvicorn.Config(page, log_level="warning", timeout_graceful_shutdown=1))
        try:
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            print()
    sitting = Sitting.begin(opened, generator, rater)
    print(f"{count_words(len(sitting.ballots()), 'vote')} of {sitting.total} by {rater}")
