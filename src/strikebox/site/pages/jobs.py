"""A picture being made: its page, its events and the preview."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from strikebox.site.pages.parts import Parts, see_other
from strikebox.site.pages.standing import standing
from strikebox.site.progress import Progress
from strikebox.site.sse import changes

_KINDS = ("picture",)  # of jobs that visitors may watch


def router(parts: Parts) -> APIRouter:
    pages = APIRouter()
    progress, words = parts.site.progress, parts.templates.words

    def started(id: str) -> Progress:
        if (found := progress.of(id)) is None:
            raise HTTPException(404)
        return found

    @pages.get("/jobs/{id}")
    def job(request: Request, id: str) -> Response:
        now = started(id)
        if now.picture is not None:
            return see_other(f"/pictures/{now.picture}")
        found = parts.site.queue.find(id)
        if found is None or found.kind not in _KINDS:
            raise HTTPException(404)
        return parts.templates.page(
            request,
            "job.html",
            headers={"Cache-Control": "no-store"},
            id=id,
            subject=str(found.payload["subject"]),
            standing=standing(now, words(request)),
        )

    @pages.get("/jobs/{id}/events", response_class=EventSourceResponse)
    async def events(
        request: Request,
        now: Annotated[Progress, Depends(started)],
        last_event_id: Annotated[str | None, Header()] = None,
        after: Annotated[str | None, Query()] = None,
    ) -> AsyncIterator[ServerSentEvent]:
        async for changed in changes(progress, now, _number(last_event_id or after), parts.site.notices):
            yield ServerSentEvent(data=standing(changed, words(request)), id=str(changed.version), retry=2000)

    @pages.get("/jobs/{id}/preview.webp")
    def preview(id: str) -> Response:
        found = progress.preview(id)
        if found is None:
            raise HTTPException(404)
        return Response(found.webp, media_type="image/webp", headers={"Cache-Control": "no-store"})

    return pages


def _number(text: str | None) -> int:
    """The version that a browser has seen; -1: none."""
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 20 else -1
