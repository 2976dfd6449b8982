"""In and out."""

from typing import cast

import structlog
from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse

from strikebox.site.admin.parts import Parts
from strikebox.site.admin.session import LOGIN, Sessions
from strikebox.site.gate import gate_of, network_of
from strikebox.site.pages.forms import Fields

_log = structlog.get_logger("strikebox.admin")


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/admin", include_in_schema=False)
    site = parts.site

    @routes.get("/login")
    def login(request: Request) -> Response:
        sessions = _sessions(request)
        if sessions.who(request) is not None:
            return RedirectResponse("/admin", 303)
        return parts.page(request, "login", None, wrong=False)

    @routes.post("/login")
    def enter(request: Request, fields: Fields) -> Response:
        sessions = _sessions(request)
        gate_of(request).limits.login(network_of(request))
        if not sessions.is_right(fields.get("password", "")):
            _log.warning("wrong password", network=network_of(request))
            return parts.page(request, "login", None, 403, wrong=True)
        site.log.write("operator", "log in", "admin")
        answer = RedirectResponse("/admin", 303)
        answer.headers.append("set-cookie", sessions.begin(request))
        return answer

    @routes.post("/logout")
    def leave(request: Request) -> Response:
        answer = RedirectResponse(LOGIN, 303)
        answer.headers.append("set-cookie", _sessions(request).end(request))
        return answer

    return routes


def _sessions(request: Request) -> Sessions:
    """Raises HTTPException 404 where there is no password to log in with."""
    sessions = cast(Sessions, request.app.state.sessions)
    if sessions.password_hash is None:
        raise HTTPException(404)
    return sessions
