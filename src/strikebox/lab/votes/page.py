"""The page for votes: two pictures, which is better? Works with a keyboard, a finger, and without JavaScript.

Blind: addresses, HTML and files say nothing of recipes, and a picture has another name in each question.
"""

from typing import cast, get_args
from urllib.parse import parse_qs

import numpy as np
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from strikebox.errors import StrikeboxError
from strikebox.lab.report.templates import asset
from strikebox.lab.run import Run
from strikebox.lab.votes.ballots import Choice
from strikebox.lab.votes.sitting import HINT, QUESTION, Sitting

_MOST_BYTES = 1_000  # of an answer
_NOT_KEPT = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_ENVIRONMENT = Environment(
    loader=PackageLoader("strikebox.lab.votes"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def app(run: Run, generator: np.random.Generator, rater: str = "anonymous") -> FastAPI:
    """The page on which `rater` votes on `run`. Raises RunError where there is nothing to compare."""
    sitting = Sitting.begin(run, generator, rater)
    site = FastAPI(openapi_url=None)
    site.exception_handler(StrikeboxError)(_plain_error)

    # Coroutines, so that answers are taken one after another.
    @site.get("/")
    async def page() -> Response:
        return HTMLResponse(_html(sitting), headers=_NOT_KEPT)

    @site.get("/picture/{name}")
    async def picture(name: str) -> Response:
        content = sitting.picture(name)
        if content is None:
            return PlainTextResponse("no such picture", 404, headers=_NOT_KEPT)
        return Response(content, media_type="image/png", headers=_NOT_KEPT)

    @site.post("/vote")
    async def vote(request: Request) -> Response:
        fields = await _fields(request)
        choice = fields.get("choice", "")
        if choice not in get_args(Choice):
            return PlainTextResponse("choice is left, right or tie", 422)
        sitting.answer(fields.get("token", ""), cast(Choice, choice))
        return RedirectResponse("/", 303)

    @site.post("/undo")
    async def undo(request: Request) -> Response:
        if (await _fields(request)).get("votes") == str(len(sitting.ballots())):
            sitting.undo()
        return RedirectResponse("/", 303)

    return site


def _html(sitting: Sitting) -> str:
    question, votes = sitting.question(), len(sitting.ballots())
    return _ENVIRONMENT.get_template("vote.html").render(
        question=question,
        asked=None if question is None else QUESTION.format(subject=question.subject),
        hint=HINT,
        votes=votes,
        total=sitting.total,
        css=Markup(asset("report.css") + _file("vote.css")),
        js=Markup(_file("vote.js")),
    )


def _file(name: str) -> str:
    """A file that goes into the page as it is."""
    loader = cast(PackageLoader, _ENVIRONMENT.loader)
    return loader.get_source(_ENVIRONMENT, name)[0]


async def _fields(request: Request) -> dict[str, str]:
    """What a form sent; nothing where it is none of ours."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MOST_BYTES:
            return {}
    return {key: values[-1] for key, values in parse_qs(body.decode(errors="replace")).items()}


async def _plain_error(_: Request, error: Exception) -> Response:
    return PlainTextResponse(f"{error}\n", 500, headers=_NOT_KEPT)
