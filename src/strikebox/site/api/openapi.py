"""The description of the API that programs read: /openapi.json."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from strikebox.site import problem_kinds as kinds
from strikebox.site.api.models import OpenaiAnswer, OpenaiError, ProblemAnswer, ProblemError
from strikebox.site.problem_kinds import Kind
from strikebox.site.problems import TYPE

VERSION = "1"
_KEY: Mapping[str, object] = {
    "type": "http",
    "scheme": "bearer",
    "description": "A key from the operator. Without one the limits of everybody apply.",
}
# What may happen to any request.
_ANY = (kinds.BAD_REQUEST, kinds.UNAUTHORIZED, kinds.TOO_MANY, kinds.INTERNAL, kinds.DATABASE)
_WITH_BODY = (kinds.CROSS_ORIGIN, kinds.TOO_LARGE, kinds.MEDIA_TYPE)

# A route whose key may be left out.
OPTIONAL_KEY: dict[str, Any] = {"security": [{}, {"key": []}]}


def described(*found: Kind, writes: bool = False) -> dict[int | str, dict[str, Any]]:
    """The answers of a route beside its success: these kinds of problems, and those of all routes."""
    by_status: dict[int, list[Kind]] = {}
    for kind in (*found, kinds.INVALID, *_ANY, *(_WITH_BODY if writes else ())):
        by_status.setdefault(kind.status, []).append(kind)
    content = {TYPE: {"schema": {"$ref": "#/components/schemas/ProblemAnswer"}}}
    return {
        status: {
            "description": ". ".join(f"{kind.title} (`{kind.code}`)" for kind in alike),
            "content": content,
        }
        for status, alike in sorted(by_status.items())
    }


def described_openai() -> dict[int | str, dict[str, Any]]:
    """The answers of an OpenAI-compatible route beside its success, in their shape."""
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/OpenaiAnswer"}}}
    statuses = (400, 401, 403, 409, 413, 415, 429, 500, 502, 503, 504)
    answers = {status: {"description": HTTPStatus(status).phrase, "content": content} for status in statuses}
    # FastAPI describes its own 422 unless it is told that there is another.
    return {**answers, 422: {"description": "Never sent: such requests get 400"}}


def describe(app: FastAPI) -> None:
    """Make /openapi.json of the routes that programs use."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _schema(app)
        return app.openapi_schema

    app.openapi = openapi


def _schema(app: FastAPI) -> dict[str, Any]:
    schema = get_openapi(
        title=app.title,
        version=VERSION,
        description="Pictures by the recipe that this site serves. Errors are problem+json (RFC 9457).",
        routes=[route for route in app.routes if not isinstance(route, APIRoute) or route.include_in_schema],
    )
    components: dict[str, Any] = schema.setdefault("components", {})
    components["securitySchemes"] = {"key": dict(_KEY)}
    schemas: dict[str, Any] = components.setdefault("schemas", {})
    for model in (ProblemAnswer, ProblemError, OpenaiAnswer, OpenaiError):
        made = model.model_json_schema(ref_template="#/components/schemas/{model}")
        made.pop("$defs", None)
        schemas[model.__name__] = made
    return schema
