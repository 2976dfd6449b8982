"""What visitors do to a picture: vote, take the vote back, report, delete their own."""

from typing import Literal, cast, get_args

from fastapi import APIRouter, HTTPException, Request, Response
from starlette.concurrency import run_in_threadpool

from strikebox.site.gate import gate_of
from strikebox.site.pages.forms import Fields
from strikebox.site.pages.parts import Parts, see_other
from strikebox.site.pages.pictures import public
from strikebox.site.reports import Reason

Act = Literal["vote", "unvote"]


def router(parts: Parts) -> APIRouter:
    pages = APIRouter()
    site = parts.site

    @pages.post("/pictures/{id}/vote")
    def vote(request: Request, id: str) -> Response:
        site.votes.cast(public(parts, id).id, _writer(request))
        return _voted(parts, request, id, voted=True)

    @pages.post("/pictures/{id}/unvote")
    def unvote(request: Request, id: str) -> Response:
        site.votes.withdraw(public(parts, id).id, _writer(request))
        return _voted(parts, request, id, voted=False)

    @pages.post("/pictures/{id}/report")
    async def report(request: Request, id: str, fields: Fields) -> Response:
        reason = fields.get("reason")
        if reason not in get_args(Reason):
            raise HTTPException(422)
        client, text = _writer(request), fields.get("text", "")
        await run_in_threadpool(site.reports.file, id, client, cast(Reason, reason), text)
        return see_other(f"/pictures/{id}?said=reported")

    @pages.post("/pictures/{id}/delete")
    def delete(request: Request, id: str) -> Response:
        if not site.pictures.delete(id, _writer(request)):
            raise HTTPException(403 if site.pictures.find(id) else 404)
        return see_other("/gallery?said=deleted")

    return pages


def _writer(request: Request) -> str:
    """The visitor, whose act is counted. Raises TooMany."""
    gate = gate_of(request)
    gate.check_write(request)
    return gate.client(request)


def _voted(parts: Parts, request: Request, id: str, *, voted: bool) -> Response:
    """The form as it is now, where a script asked for that alone; else its page."""
    if request.headers.get("hx-request") != "true":
        return see_other(f"/pictures/{id}?said={'voted' if voted else 'unvoted'}")
    return parts.templates.page(request, "vote.html", picture=public(parts, id), voted=voted)
