"""What visitors see: one file a kind of page, put together in `router`."""

from fastapi import APIRouter

from strikebox.site.pages import about, feeds, files, gallery, home, jobs, pictures, share, votes
from strikebox.site.pages.parts import Parts


def router(parts: Parts) -> APIRouter:
    """All pages. They are no part of the API and stay out of its description."""
    pages = APIRouter(include_in_schema=False)
    for module in (home, jobs, files, share, votes, pictures, gallery, feeds, about):
        pages.include_router(module.router(parts))
    return pages
