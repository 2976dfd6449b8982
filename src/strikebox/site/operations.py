"""What machines ask of the site: does it live, is it ready, how is it doing."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
import structlog
from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

from strikebox.errors import StrikeboxError
from strikebox.site.context import Site
from strikebox.site.gate import gate_of, network_of
from strikebox.site.gauges import Gauges
from strikebox.site.observing import Registry
from strikebox.site.security import CSP_REPORTS

LEAST_ROOM = 64 * 1024 * 1024  # bytes that must be free on the disk of the pictures

_FRESH = {"Cache-Control": "no-store"}
_SHOWN = 500  # characters of a browser's report that the log keeps

_log: Any = structlog.get_logger("strikebox.site")


def router(site: Site) -> APIRouter:
    """/healthz, /readyz, /metrics and the address for browsers' reports."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/healthz")
    def healthz() -> Response:
        """The process lives. Nothing else is asked, so that a slow disk gets it killed by nobody."""
        return PlainTextResponse("ok\n", headers=_FRESH)

    @routes.get("/readyz")
    def readyz() -> Response:
        """Whether requests should be sent here. Workers are not part of it: pages do without."""
        found = ready(site)
        return JSONResponse(found, 200 if found["ready"] else 503, _FRESH)

    @routes.get("/metrics")
    def metrics(request: Request) -> Response:
        registry = cast(Registry, request.app.state.registry)
        text = generate_latest(registry.collectors) + generate_latest(Gauges.of(site))
        return Response(text, media_type=CONTENT_TYPE_PLAIN_0_0_4, headers=_FRESH)

    @routes.post(CSP_REPORTS)
    async def csp_reports(request: Request) -> Response:
        """What a browser refused to do because our policy forbids it: a mistake of ours, or an attack."""
        body = await request.body()
        if gate_of(request).limits.note(network_of(request)):
            cast(Registry, request.app.state.registry).csp_reports.inc()
            _log.warning("csp report", report=body[:_SHOWN].decode(errors="replace"))
        return Response(status_code=204)

    return routes


def ready(site: Site) -> Mapping[str, object]:
    """What was looked at, and whether all of it is well."""
    checks = {
        "database": _is_well(lambda: _read(site)),
        "storage": _is_well(lambda: _has_room(site.settings.storage.folder)) and _is_well(site.media.check),
    }
    workers = len(site.workers.alive()) if checks["database"] else None
    stuck = len(site.workers.stuck()) if checks["database"] else None
    return {"ready": all(checks.values()), **checks, "workers": workers, "stuck_workers": stuck}


def _is_well(check: Callable[[], object]) -> bool:
    try:
        check()
    except (StrikeboxError, OSError) as error:
        _log.error("not ready", error=str(error))
        return False
    return True


def _read(site: Site) -> None:
    with site.database.reading() as connection:
        connection.execute(sa.select(sa.literal(1)))


def _has_room(folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < LEAST_ROOM:
        raise OSError(f"{folder}: {free} bytes are free; make room")
