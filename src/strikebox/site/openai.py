"""POST /v1/images/generations as OpenAI has it, so that their clients work here.

The site serves one recipe at one size: `model`, `size`, `quality` and the like are taken and change nothing,
and the answer says what was made. `seed` is ours (extra_body={"seed": 7}).
"""

import base64
import time
from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from strikebox.generation.plan import MOST_SEED
from strikebox.site import problem_kinds as kinds
from strikebox.site.api.identity import IdempotencyKey, Who, digest
from strikebox.site.api.models import Text
from strikebox.site.api.openapi import OPTIONAL_KEY, described_openai
from strikebox.site.api.places import base_of
from strikebox.site.context import Site
from strikebox.site.failures import told
from strikebox.site.gate import Asker, gate_of
from strikebox.site.orders import Ticket
from strikebox.site.pictures import Picture
from strikebox.site.problem_kinds import Kind
from strikebox.site.problems import Problem, Refused
from strikebox.site.progress import Progress
from strikebox.site.sse import bell
from strikebox.site.words import words

LONGEST_WAIT = 120.0  # seconds
_BETWEEN = 0.25  # seconds between looks at the jobs
_MOST = 4  # pictures in one request

_NO_RETRY = {"x-should-retry": "false"}  # their clients repeat what fails with 5xx, and would order again


def _no_number(value: object) -> object:
    """Python takes 0 for False; JSON does not."""
    if type(value) is int:
        raise ValueError("is a number; send false")
    return value


class ImagesOrder(BaseModel):
    """What OpenAI's clients send. Fields that we do not know are theirs, and change nothing."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    prompt: Annotated[Text, Field(description="What to draw: 1 to 200 characters.", examples=["cat"])]
    n: Annotated[int, Field(ge=1, le=_MOST, strict=True)] | None = 1
    response_format: Literal["url", "b64_json"] | None = "url"
    output_format: Literal["png"] | None = "png"
    stream: Annotated[Literal[False] | None, BeforeValidator(_no_number)] = False
    model: Text | None = None
    size: Text | None = None
    seed: Annotated[int, Field(ge=0, le=MOST_SEED, strict=True)] | None = None


class Image(BaseModel):
    """One of them is there, as it was asked for."""

    url: str | None = None
    b64_json: str | None = None


class Images(BaseModel):
    """OpenAI's ImagesResponse."""

    created: int
    data: list[Image]
    size: str
    output_format: Literal["png"] = "png"


def router(site: Site) -> APIRouter:
    """The routes under /v1."""
    routes = APIRouter(prefix="/v1", tags=["openai"])

    @routes.post("/images/generations", responses=described_openai(), openapi_extra=OPTIONAL_KEY)
    async def generate(request: Request, body: ImagesOrder, who: Who, key: IdempotencyKey = None) -> Images:
        """Make pictures and wait for them."""
        orders = await run_in_threadpool(_order, site, request, body, who, key)
        waiting = [order.id for order in orders]
        keeps = key is not None  # asked for again under the same key, the pictures are there
        ended = await _wait(site, request, waiting, LONGEST_WAIT, cancels=None if keeps else who)
        return await run_in_threadpool(_images, site, ended, body, base_of(request, site))

    @routes.get("/models", include_in_schema=False)
    def models() -> Response:
        """What clients list before they ask: the recipe that is served."""
        model = {"id": site.recipe.name, "object": "model", "created": 0, "owned_by": "strikebox"}
        return JSONResponse({"object": "list", "data": [model]})

    return routes


def _order(site: Site, request: Request, body: ImagesOrder, who: Asker, key: str | None) -> Sequence[Ticket]:
    """All of them or none."""
    placed: list[Ticket] = []
    gate = gate_of(request)
    try:
        for number in range(body.n or 1):
            ticket = gate.order(
                request,
                body.prompt,
                None if body.seed is None else (body.seed + number) % (MOST_SEED + 1),
                asker=who,
                key=None if key is None else f"{key} {number}",
                body_digest=digest(body),
            )
            placed.append(ticket)
    except Exception:
        for order in placed:
            if not order.repeated:
                site.orders.cancel(order.id, who.client)
        raise
    return placed


async def _wait(
    site: Site, request: Request, ids: Sequence[str], longest: float, cancels: Asker | None
) -> Sequence[Progress]:
    """How the jobs ended. Raises Refused where that takes too long; who leaves gets nothing made."""
    until = time.monotonic() + longest
    with bell(site.notices, ids) as ringing:
        while True:
            stand = await run_in_threadpool(_stand, site, ids)
            if all(one.is_final for one in stand):
                return stand
            late, gone = time.monotonic() > until, await request.is_disconnected()
            if late or gone:
                if cancels is not None:
                    await run_in_threadpool(_cancel, site, ids, cancels)
                raise Refused(_too_late(longest, kept=cancels is None))
            await ringing.wait(_BETWEEN)


def _stand(site: Site, ids: Sequence[str]) -> Sequence[Progress]:
    found = [site.progress.of(id) for id in ids]
    return [one for one in found if one is not None]


def _cancel(site: Site, ids: Sequence[str], who: Asker) -> None:
    for id in ids:
        site.orders.cancel(id, who.client)


def _too_late(longest: float, *, kept: bool) -> Problem:
    what_to_do = (
        "it is still being made: ask again with the same Idempotency-Key"
        if kept
        else "it was cancelled: ask again later, or with an Idempotency-Key, under which it goes on"
    )
    return Problem(
        kind=kinds.TIMEOUT,
        detail=f"The picture took longer than {longest:g} s; {what_to_do}.",
        headers=_NO_RETRY,
    )


def _images(site: Site, ended: Sequence[Progress], body: ImagesOrder, base: str) -> Images:
    pictures = [_made(site, one) for one in ended]
    data = [_image(site, picture, body, base) for picture in pictures]
    first = pictures[0]
    return Images(created=int(time.time()), data=data, size=f"{first.width}x{first.height}")


def _made(site: Site, ended: Progress) -> Picture:
    """The picture of a job that is over. Raises Refused where there is none, or none to show."""
    picture = site.pictures.find(ended.id)
    if picture is not None and picture.is_public:
        return picture
    over = "The job was cancelled, or its picture is not shown any more."
    why = over if ended.failure is None else told(ended.failure, words("en"))
    raise Refused(_problem(kinds.FAILED if picture is None else kinds.REFUSED, why))


def _problem(kind: Kind, detail: str) -> Problem:
    return Problem(kind=kind, detail=detail, headers=_NO_RETRY)


def _image(site: Site, picture: Picture, body: ImagesOrder, base: str) -> Image:
    if body.response_format == "b64_json":
        return Image(b64_json=base64.b64encode(site.media.read(picture.file)).decode())
    return Image(url=f"{base}/pictures/{picture.id}.png")
