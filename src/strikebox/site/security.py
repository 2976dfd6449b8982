"""What every request passes, and every answer carries: the browser's own defences, turned on.

Requirements are those of OWASP ASVS 5.0, sections 3.4 (headers) and 3.5 (requests from other sites).
"""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, final
from urllib.parse import urlsplit

from fastapi import FastAPI, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from strikebox.site import addresses, problems
from strikebox.site import problem_kinds as kinds
from strikebox.site.context import Site
from strikebox.site.gate import Gate
from strikebox.site.observing import Observed, Registry
from strikebox.site.problem_kinds import Kind
from strikebox.site.problems import ErrorPage, Problem
from strikebox.site.signing import Signer

MOST_BODY = 64 * 1024  # bytes; nobody uploads anything
CSP_REPORTS = "/csp-reports"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
_HOST = re.compile(r"[A-Za-z0-9._\-]+(:\d{1,5})?|\[[0-9A-Fa-f:.]+\](:\d{1,5})?")
_PATH = re.compile(r"[^\x00-\x1f\x7f]*")
_JSON, _FORM = "application/json", "application/x-www-form-urlencoded"
_REPORTS = frozenset({"application/csp-report", "application/reports+json"})

_ALWAYS: Mapping[str, str] = {
    "Strict-Transport-Security": "max-age=63072000; includeSubDomains",  # 3.4.1; ignored over plain http
    "X-Content-Type-Options": "nosniff",  # 3.4.4
    "Referrer-Policy": "same-origin",  # 3.4.5: searches and prompts stay here
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Permitted-Cross-Domain-Policies": "none",
}
_NO_PAGE = "default-src 'none'; frame-ancestors 'none'"
# A browser that shows a picture by itself puts it into a page of its own, with a style of its own.
_PICTURE = f"{_NO_PAGE}; style-src 'unsafe-inline'; img-src 'self'"
# 3.4.3 with a nonce for each answer, 3.4.6, 3.4.7.
_PAGE = (
    "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'self' 'nonce-{nonce}'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; form-action 'self'; "
    "base-uri 'none'; object-src 'none'; frame-ancestors 'none'; "
    f"report-uri {CSP_REPORTS}; report-to csp"
)


def install(app: FastAPI, site: Site, page: ErrorPage | None = None) -> None:
    """Put the middleware round `app`, answer its errors with problems, and open the gate for orders."""
    app.state.gate = gate = Gate.of(site)
    app.state.registry = registry = Registry()
    problems.install(app, page)
    app.add_middleware(Guard, site=site, gate=gate, page=page)
    app.add_middleware(Observed, registry=registry)  # outermost: it sees what the guard refuses


@final
@dataclass(frozen=True, slots=True)
class Guard:
    """ASGI middleware: refuses what may not pass, and dresses the answers."""

    app: ASGIApp
    site: Site
    gate: Gate
    page: ErrorPage | None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self._know(scope)
        dressed = _Dressed(Request(scope), self.gate, send)
        try:
            refused = refusal(scope, self.site.settings.site.base_url)
            if refused is not None:
                raise problems.Refused(refused)
            await self.app(scope, _limited(receive), dressed)
        except Exception as error:
            if dressed.is_started:
                raise
            answer = problems.respond(Request(scope), problems.of(error), self.page)
            await answer(scope, receive, dressed)

    def _know(self, scope: Scope) -> None:
        """Who asks, by what address, and the number that scripts of this answer carry."""
        hops = self.site.settings.limits.trusted_hops
        address = addresses.client_address(scope, hops)
        signer = Signer.of(self.site.secret, "network")
        state: dict[str, Any] = scope.setdefault("state", {})
        state["network"] = signer.scramble(addresses.network(address))
        state["nonce"] = secrets.token_urlsafe(16)
        scope["scheme"] = addresses.scheme(scope, hops)


@dataclass(slots=True)
class _Dressed:
    """Sends an answer with all its headers."""

    request: Request
    gate: Gate
    send: Send
    is_started: bool = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.is_started = True
            headers = MutableHeaders(scope=message)
            for name, value in protective(headers.get("content-type", ""), self.request.state.nonce).items():
                headers.setdefault(name, value)
            self.gate.clients.remember(self.request, headers)
            if "set-cookie" in headers:
                headers["Cache-Control"] = "no-store"
        await self.send(message)


def protective(content_type: str, nonce: str) -> Mapping[str, str]:
    """The headers that an answer of this type carries."""
    headers = dict(_ALWAYS)
    if content_type.startswith("text/html"):
        headers["Content-Security-Policy"] = _PAGE.format(nonce=nonce)
        headers["Reporting-Endpoints"] = f'csp="{CSP_REPORTS}"'
        headers["Cross-Origin-Opener-Policy"] = "same-origin"  # 3.4.8
    else:
        headers["Content-Security-Policy"] = _NO_PAGE
        if content_type.startswith("image/"):
            headers["Content-Security-Policy"] = _PICTURE
    # Pictures are made to be shown elsewhere; nothing else is.
    shared = content_type.startswith("image/")
    headers["Cross-Origin-Resource-Policy"] = "cross-origin" if shared else "same-origin"
    return headers


def refusal(scope: Scope, base_url: str | None) -> Problem | None:
    """Why a request may not pass; None where it may."""
    headers, method, path = Headers(scope=scope), scope["method"], scope["path"]
    if not _HOST.fullmatch(headers.get("host", "localhost")):
        return _problem(kinds.BAD_REQUEST, "The Host header is no name of a host.")
    if method not in _SAFE and path != CSP_REPORTS and not is_own(headers, base_url):
        return _problem(kinds.CROSS_ORIGIN, "Open the page here and send the form from there.")
    if not _PATH.fullmatch(path):
        return _problem(
            kinds.NOT_FOUND, "Addresses have no control characters."
        )  # nor do databases like them
    length = headers.get("content-length", "0")
    if not length.isdecimal():
        return _problem(kinds.BAD_REQUEST, "The Content-Length is no number.")
    if int(length[:12]) > MOST_BODY:
        return _too_large()
    has_body = length != "0" or "transfer-encoding" in headers
    if method not in _SAFE and has_body and media_type(headers) not in taken(path):
        return _problem(kinds.MEDIA_TYPE, f"Send {' or '.join(sorted(taken(path)))}.")
    return None


def is_own(headers: Headers, base_url: str | None) -> bool:
    """Whether a request comes from our own pages, or from no browser at all.

    Every browser since 2020 says so itself in Sec-Fetch-Site on https and localhost, and sends Origin with
    each POST elsewhere (the rules of Go's net/http.CrossOriginProtection).
    """
    if (site := headers.get("sec-fetch-site")) is not None:
        return site in ("same-origin", "none")
    if (origin := headers.get("origin")) is None:
        return True
    own = {headers.get("host"), urlsplit(base_url or "").netloc} - {"", None}
    try:
        return urlsplit(origin).netloc in own
    except ValueError:
        return False


def media_type(headers: Headers) -> str:
    """The content type without its parameters."""
    return headers.get("content-type", "").partition(";")[0].strip().lower()


def taken(path: str) -> frozenset[str]:
    """The media types that an address takes."""
    if path == CSP_REPORTS:
        return _REPORTS
    return frozenset({_JSON if path.startswith(("/api/", "/v1/")) else _FORM})


def _limited(receive: Receive) -> Receive:
    """The body, as far as it is not too large, however its length was announced."""
    read = 0

    async def limited() -> Message:
        nonlocal read
        message = await receive()
        read += len(message.get("body", b""))
        if read > MOST_BODY:
            # This class alone passes through whatever reads the body.
            raise HTTPException(kinds.TOO_LARGE.status)
        return message

    return limited


def _too_large() -> Problem:
    return _problem(kinds.TOO_LARGE, f"At most {MOST_BODY // 1024} KiB are taken.")


def _problem(kind: Kind, detail: str) -> Problem:
    return Problem(kind=kind, detail=detail)
