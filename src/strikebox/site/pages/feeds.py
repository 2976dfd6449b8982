"""The gallery for other programs: an Atom feed and oEmbed."""

import time
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse

from strikebox.site.pages.parts import Parts
from strikebox.site.pages.pictures import public
from strikebox.site.pictures import Picture

_ENTRIES = 30
_LEAST = 16  # pixels that a picture may be shrunk to
_KEEP = {"Cache-Control": "public, max-age=300"}


def router(parts: Parts) -> APIRouter:
    pages = APIRouter()

    @pages.get("/feed.atom")
    def feed(request: Request) -> Response:
        pictures = parts.site.pictures.page("newest", most=_ENTRIES).pictures
        updated = pictures[0].created if pictures else time.time()
        text = parts.templates.text(request, "feed.xml", pictures=pictures, updated=updated)
        return Response(text, media_type="application/atom+xml", headers=_KEEP)

    @pages.get("/oembed")
    def oembed(
        request: Request,
        url: Annotated[str, Query(max_length=500)],
        format: Annotated[str, Query()] = "json",
        maxwidth: Annotated[int | None, Query(ge=_LEAST)] = None,
        maxheight: Annotated[int | None, Query(ge=_LEAST)] = None,
    ) -> Response:
        """A picture by the address of its page, as oembed.com describes it (2.3, type photo)."""
        if format != "json":
            return PlainTextResponse("Ask for format=json.\n", 501)
        base = parts.templates.base(request)
        picture = public(parts, _id_in(url, base))
        return JSONResponse(_photo(parts, picture, base, maxwidth, maxheight), headers=_KEEP)

    return pages


def _id_in(url: str, base: str) -> str:
    """The picture whose page `url` is. Raises HTTPException 404 where it is none of ours."""
    ours = urlsplit(base)
    try:
        asked = urlsplit(url)
    except ValueError:
        raise HTTPException(404) from None
    pieces = asked.path.strip("/").split("/")
    if asked.netloc != ours.netloc or len(pieces) != 2 or pieces[0] != "pictures":
        raise HTTPException(404)
    return pieces[1]


def _photo(
    parts: Parts, picture: Picture, base: str, most_wide: int | None, most_high: int | None
) -> dict[str, object]:
    """The original where it fits, else the largest size that does, which the consumer scales to."""
    fit = min(
        1.0, (most_wide or picture.width) / picture.width, (most_high or picture.height) / picture.height
    )
    address = f"{base}/pictures/{picture.id}"
    return {
        "version": "1.0",
        "type": "photo",
        "title": picture.subject,
        "provider_name": parts.templates.title,
        "provider_url": base,
        "url": f"{address}.png",
        "width": int(picture.width * fit),
        "height": int(picture.height * fit),
        "thumbnail_url": f"{address}/thumbnail.webp",
        "thumbnail_width": picture.width,
        "thumbnail_height": picture.height,
    }
