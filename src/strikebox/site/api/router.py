"""The API, put together."""

from fastapi import APIRouter

from strikebox.site.api import jobs, pictures
from strikebox.site.context import Site


def router(site: Site) -> APIRouter:
    """All routes under /api/v1."""
    routes = APIRouter(prefix="/api/v1")
    routes.include_router(pictures.router(site))
    routes.include_router(jobs.router(site))
    return routes
