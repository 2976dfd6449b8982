"""The site, put together: pages, API, admin, and what stands before them all."""

from functools import partial

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from strikebox.flow import LatentSpectrum
from strikebox.generation.backend import Model
from strikebox.lora.header import Header
from strikebox.site import openai, operations, security
from strikebox.site.admin import router as admin
from strikebox.site.api import openapi
from strikebox.site.api.router import router as api
from strikebox.site.context import Site
from strikebox.site.pages import router as pages
from strikebox.site.pages.faults import error_page
from strikebox.site.pages.parts import Parts
from strikebox.site.templates_env import STATIC, open_templates

_LEAST_GZIPPED = 1000  # bytes
_LEVEL = 5  # of gzip: beyond it bytes shrink slowly and time grows fast


def create_app(
    site: Site,
    model: Model | None = None,
    spectrum: LatentSpectrum | None = None,
    lora: Header | None = None,
) -> FastAPI:
    """The application of an open site.

    `model` says what the workers use, so that pages can draw how a picture was made; without it they do not.
    `spectrum` is that of its latents at its own size, `lora` what its LoRA's file says of itself.
    """
    named = site.settings.site
    templates = open_templates(named.title, named.languages, named.base_url)
    parts = Parts(site=site, templates=templates, model=model, spectrum=spectrum, lora=lora)
    app = FastAPI(title=named.title, docs_url=None, redoc_url=None)
    for routes in (pages(parts), api(site), openai.router(site), operations.router(site)):
        app.include_router(routes)
    admin.install(app, site, templates)
    app.mount("/static", _Static(directory=STATIC), name="static")
    openapi.describe(app)
    app.add_middleware(GZipMiddleware, minimum_size=_LEAST_GZIPPED, compresslevel=_LEVEL)
    security.install(app, site, partial(error_page, templates))
    return app


class _Static(StaticFiles):
    """Files whose address changes with their content: browsers keep them for good."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        if response.status_code == 200 and scope["query_string"].startswith(b"v="):
            response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return response
