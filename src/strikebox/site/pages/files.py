"""The files of a picture: as it was made, without metadata, small, and at double size."""

from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException, Query, Request, Response

from strikebox import png
from strikebox.site.pages.parts import Parts
from strikebox.site.pages.pictures import public
from strikebox.site.sending import send

# A picture may be taken down, so nobody keeps one for long without asking again.
_KEEP = "public, max-age=600, stale-while-revalidate=3600"


def router(parts: Parts) -> APIRouter:
    pages = APIRouter()

    @pages.get("/pictures/{id}.png")
    def original(
        request: Request, id: str, metadata: Annotated[Literal["none"] | None, Query()] = None
    ) -> Response:
        name = public(parts, id).file
        if metadata is None:
            return _file(parts, request, name)
        stripped = png.bare(parts.site.media.read(name))
        return Response(stripped, media_type="image/png", headers={"Cache-Control": _KEEP})

    @pages.get("/pictures/{id}/thumbnail.webp")
    def thumbnail(request: Request, id: str) -> Response:
        return _file(parts, request, public(parts, id).thumbnail)

    @pages.get("/pictures/{id}/double.png")
    def double(request: Request, id: str) -> Response:
        name = public(parts, id).enlarged
        if name is None:
            raise HTTPException(404)
        return _file(parts, request, name)

    return pages


def _file(parts: Parts, request: Request, name: str) -> Response:
    """A file that is named by its content, so its name tells whether the browser has it."""
    headers = {"Cache-Control": _KEEP, "ETag": f'"{name}"'}
    if f'"{name}"' in request.headers.get("if-none-match", ""):
        return Response(None, 304, headers)
    return send(parts.site.media, name, headers)
