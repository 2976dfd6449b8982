"""What each request costs, counted for Prometheus and written to the log: route, status, time."""

import secrets
import time
from dataclasses import dataclass
from typing import Any, final

import structlog
from fastapi.routing import APIRoute
from prometheus_client import CollectorRegistry, Counter, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds; the bar is 0.05
_QUIET = frozenset({"/healthz", "/readyz", "/metrics"})  # asked every few seconds, and logged when they fail
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})

_log: Any = structlog.get_logger("strikebox.site")


@final
class Registry:
    """The counters of one app."""

    def __init__(self) -> None:
        self.collectors = own = CollectorRegistry()
        labels = ("method", "route", "status")
        self.requests = Counter("strikebox_requests", "Requests answered", labels, registry=own)
        self.seconds = Histogram(
            "strikebox_request_seconds",
            "Time to the end of an answer, streams of events left out",
            ("route",),
            registry=own,
            buckets=_BUCKETS,
        )
        self.csp_reports = Counter("strikebox_csp_reports", "Violations that browsers report", registry=own)


@final
@dataclass(frozen=True, slots=True)
class Observed:
    """ASGI middleware: the outermost, so that nothing goes uncounted."""

    app: ASGIApp
    registry: Registry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        answer = _Answer(send)
        start = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request=secrets.token_hex(4)):
            try:
                await self.app(scope, receive, answer)
            finally:
                self._note(scope, answer, time.perf_counter() - start)

    def _note(self, scope: Scope, answer: "_Answer", seconds: float) -> None:
        route, status = route_of(scope), answer.status
        method = scope["method"] if scope["method"] in _METHODS else "other"
        self.registry.requests.labels(method, route, str(status)).inc()
        if not answer.is_stream:
            self.registry.seconds.labels(route).observe(seconds)
        if route not in _QUIET or status >= 400:
            shown = _log.warning if status >= 500 else _log.info
            shown("request", method=method, route=route, status=status, ms=round(seconds * 1000, 1))


@dataclass(slots=True)
class _Answer:
    """Notes how an answer goes by. Status 499: the client left before there was one."""

    send: Send
    status: int = 499
    is_stream: bool = False  # of events: it ends when its reader leaves

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            types = [value for name, value in message.get("headers", ()) if name.lower() == b"content-type"]
            self.is_stream = any(value.startswith(b"text/event-stream") for value in types)
        await self.send(message)


def route_of(scope: Scope) -> str:
    """The route's pattern, so that ids make no counters of their own; `none` where nothing matched."""
    route: Any = scope.get("route")
    path: str = scope["path"]
    if isinstance(route, APIRoute):
        # The pattern is that of the innermost router: what stands before it is plain text.
        slashes = [place for place, letter in enumerate(path) if letter == "/"]
        start = next((place for place in slashes if route.path_regex.match(path[place:])), 0)
        return path[:start] + route.path
    if "endpoint" not in scope:
        return "none"
    return str(scope.get("root_path")) or ("none" if scope.get("path_params") else path)
