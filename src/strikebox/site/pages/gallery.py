"""All pictures, page by page, and the Hall of Fame."""

from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Header, Query, Request, Response

from strikebox.site.pages.parts import Parts
from strikebox.site.pictures import Sort

GallerySort = Literal["newest", "week", "month", "ever"]
_MOST = 24
_LONGEST = 200  # characters of a search


def router(parts: Parts) -> APIRouter:
    pages = APIRouter()

    @pages.get("/gallery")
    def gallery(
        request: Request,
        sort: Annotated[GallerySort, Query()] = "newest",
        q: Annotated[str, Query()] = "",
        after: Annotated[str | None, Query(max_length=_LONGEST)] = None,
        hx_request: Annotated[str | None, Header()] = None,
    ) -> Response:
        words = q.strip()[:_LONGEST]
        page = parts.site.pictures.page(sort, words, after, _MOST)
        return parts.templates.page(
            request,
            "cards.html" if hx_request == "true" else "gallery.html",
            headers={"Vary": "Cookie, Accept-Language, HX-Request"},
            pictures=page.pictures,
            next=page.after and _link(sort, words, page.after),
            sort=sort,
            q=words,
            link=_link,
        )

    @pages.get("/hall")
    def hall(request: Request, after: Annotated[str | None, Query(max_length=_LONGEST)] = None) -> Response:
        page = parts.site.pictures.page("hall", after=after, most=_MOST)
        next = page.after and f"/hall?{urlencode({'after': page.after})}"
        return parts.templates.page(request, "hall.html", pictures=page.pictures, next=next)

    return pages


def _link(sort: Sort, words: str = "", after: str | None = None) -> str:
    """An address in the gallery; what is usual is left out."""
    query = {"sort": None if sort == "newest" else sort, "q": words, "after": after}
    said = urlencode({key: value for key, value in query.items() if value})
    return f"/gallery?{said}" if said else "/gallery"
