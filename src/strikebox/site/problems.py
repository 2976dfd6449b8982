"""Everything that can go wrong, as its asker is told: a status, a stable code, plain words, no traceback.

Programs get problem+json (RFC 9457), OpenAI's clients their own shape, people a page.
"""

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException
from starlette.routing import Match

from strikebox.errors import LaterError, StrikeboxError
from strikebox.site import problem_kinds as kinds
from strikebox.site.problem_kinds import Kind

TYPE = "application/problem+json"

_log: Any = structlog.get_logger("strikebox.site")


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A kind of problem, met."""

    kind: Kind
    detail: str | None = None  # what is wrong and what to do
    retry_after: float | None = None  # seconds
    reference: str | None = None  # by which the operator finds it in the log
    errors: Sequence[Mapping[str, str]] = ()  # of a malformed request: where, and what
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def status(self) -> int:
        return self.kind.status

    @property
    def code(self) -> str:
        return self.kind.code

    @property
    def title(self) -> str:
        return self.kind.title

    @property
    def word(self) -> str:
        return self.kind.word


class Refused(Exception):
    """Raised by whatever answers a request, to answer with a problem instead."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.code)
        self.problem = problem


ErrorPage = Callable[[Request, Problem], Response]


_SOON = 30.0  # seconds
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_LASTING = 60.0  # seconds
_MOST_ERRORS = 10
_LONGEST_PLACE = 80  # characters


def install(app: FastAPI, page: ErrorPage | None = None) -> None:
    """Answer errors with problems; `page` makes those for people, plain text does where there is none."""

    async def handle(request: Request, error: Exception) -> Response:
        if isinstance(error, HTTPException) and error.status_code < 400:
            return Response(status_code=error.status_code, headers=error.headers)
        problem = of(error)
        if problem.kind is kinds.METHOD:
            problem = replace(problem, headers={"Allow": ", ".join(_allowed(request))})
        return respond(request, problem, page)

    for kind in (StrikeboxError, HTTPException, RequestValidationError, Refused):
        app.add_exception_handler(kind, handle)


def of(error: Exception) -> Problem:
    """The problem that an error is. What is not for visitors is logged under the problem's reference."""
    match error:
        case Refused():
            return error.problem
        case RequestValidationError():
            return _invalid(error)
        case HTTPException():
            return Problem(kind=kinds.of_status(error.status_code), headers=dict(error.headers or {}))
        case StrikeboxError():
            return _known(error)
        case _:
            return _logged(error, kinds.INTERNAL)


def respond(request: Request, problem: Problem, page: ErrorPage | None) -> Response:
    """The problem in the shape that suits who asks."""
    path, accept = request.url.path, request.headers.get("accept", "")
    if path.startswith("/v1/"):
        response: Response = openai_response(problem)
    elif path.startswith("/api/") or page is None or "json" in accept:
        response = json_response(problem, path)
    elif "text/html" in accept or "*/*" in accept or not accept:
        response = _page(request, problem, page)
    else:
        response = PlainTextResponse(f"{problem.title}\n", problem.status)
    response.headers.update(_headers(problem))
    return response


def json_response(problem: Problem, path: str) -> Response:
    """RFC 9457."""
    body: dict[str, object] = {
        "type": f"/docs/api#{problem.code}",
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "instance": path,
    }
    optional = {
        "detail": problem.detail,
        "retry_after": problem.retry_after,
        "reference": problem.reference,
        "errors": [dict(error) for error in problem.errors] or None,
    }
    body.update({name: value for name, value in optional.items() if value is not None})
    return JSONResponse(body, problem.status, media_type=TYPE)


def openai_response(problem: Problem) -> Response:
    """As OpenAI's clients read errors."""
    types = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    fallback = "server_error" if problem.status >= 500 else "invalid_request_error"
    first: Mapping[str, str] = problem.errors[0] if problem.errors else {}
    message = (
        problem.detail or " ".join(filter(None, (first.get("where"), first.get("what")))) or problem.title
    )
    code = "content_policy_violation" if problem.kind is kinds.REFUSED else problem.code
    status = 400 if problem.status == 422 else problem.status  # what their clients expect
    error = {
        "message": message,
        "type": types.get(status, fallback),
        "param": first.get("where"),
        "code": code,
    }
    # Their clients repeat what fails with 5xx at once; what stays wrong for longer is not to be repeated.
    lasting = problem.retry_after is not None and problem.retry_after > _LASTING
    return JSONResponse({"error": error}, status, {"x-should-retry": "false"} if lasting else None)


def _page(request: Request, problem: Problem, page: ErrorPage) -> Response:
    """The page for people; where even that cannot be made, a line."""
    try:
        return page(request, problem)
    except Exception as error:
        return PlainTextResponse(f"{problem.title}. Reference: {_log_error(error)}\n", problem.status)


def _headers(problem: Problem) -> dict[str, str]:
    headers = {**problem.headers, "Cache-Control": "no-store"}
    if problem.retry_after is not None:
        headers["Retry-After"] = str(max(round(problem.retry_after), 1))
    if problem.kind is kinds.UNAUTHORIZED:
        headers["WWW-Authenticate"] = 'Bearer realm="strikebox"'
    return headers


def _known(error: StrikeboxError) -> Problem:
    for known, kind in kinds.FOR_VISITORS:
        if isinstance(error, known):
            later = error.retry_after if isinstance(error, LaterError) else None
            return Problem(kind=kind, detail=str(error), retry_after=later)
    for known, kind in kinds.FOR_OPERATORS:
        if isinstance(error, known):
            return replace(_logged(error, kind), retry_after=_SOON)
    return _logged(error, kinds.INTERNAL)


def _logged(error: Exception, kind: Kind) -> Problem:
    detail = "The operator finds what happened in the log, by the reference. Try again a little later."
    return Problem(kind=kind, detail=detail, reference=_log_error(error))


def _log_error(error: Exception) -> str:
    reference = secrets.token_hex(4)
    unknown = not isinstance(error, StrikeboxError)
    _log.error("problem", reference=reference, error=str(error), exc_info=error if unknown else None)
    return reference


def _invalid(error: RequestValidationError) -> Problem:
    """Where and what, without what was sent: it may be anything."""
    found = cast(Sequence[Mapping[str, Any]], error.errors())
    if any(item["type"] == "json_invalid" for item in found):
        return Problem(kind=kinds.BAD_REQUEST, detail="The body is no JSON; send an object.")
    each = [{"where": _place(item["loc"]), "what": str(item["msg"])} for item in found[:_MOST_ERRORS]]
    first = each[0]
    return Problem(kind=kinds.INVALID, detail=": ".join(filter(None, first.values())), errors=each)


def _allowed(request: Request) -> Sequence[str]:
    """All methods of an address: each of its routes knows of its own alone."""
    routes = cast(FastAPI, request.app).routes

    def is_taken(method: str) -> bool:
        scope = {**request.scope, "method": method}
        return any(route.matches(scope)[0] is Match.FULL for route in routes)

    return [method for method in _METHODS if is_taken(method)]


def _place(location: Sequence[object]) -> str:
    """body.seed -> seed. Names of unknown fields are the asker's own, and may hold anything."""
    name = ".".join(map(str, location[1:])).encode(errors="replace").decode()
    return name[:_LONGEST_PLACE]
