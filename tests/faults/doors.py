"""Every way into the site: fields of forms and of JSON, parameters of paths and queries, headers."""

import json
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote_from_bytes

import corpus
from fastapi import FastAPI
from fastapi.routing import APIRoute

_FORMS: Mapping[str, Mapping[str, str]] = {
    "/make": {"subject": "cat", "seed": "7", "altcha": ""},
    "/language": {"language": "ru", "next": "/gallery"},
    "/report": {"reason": "other", "text": "x"},
    "/admin/login": {"password": "x"},
    "/admin/keys": {"name": "friend", "per_day": "3"},
    "/admin/votes/discard": {"client": "x", "why": "x"},
    "/admin": {"why": "x", "from": "reports"},
}
_HEADERS = (
    *("Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Content-Length", "Cookie", "Expect"),
    *("Forwarded", "Host", "HX-Current-URL", "HX-Request", "Idempotency-Key", "If-Modified-Since"),
    *("If-None-Match", "Last-Event-ID", "Origin", "Range", "Referer", "Sec-Fetch-Site", "Transfer-Encoding"),
    *("Upgrade", "User-Agent", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Request-ID"),
)
_LOOKED_AT = ("/", "/gallery", "/pictures/{id}", "/pictures/{id}.png", "/admin", "/static/site.css")
_ORDER = '{"subject": "cat", "seed": 7, "altcha": ""}'


@dataclass(frozen=True, slots=True)
class Knock:
    """One request as bytes."""

    door: str  # for people
    sent: bytes


@dataclass(frozen=True, slots=True)
class Place:
    """A route, and what leads to something there."""

    method: str
    path: str
    queries: Sequence[str]

    def address(self, id: str) -> str:
        return self.path.replace("{id}", id)


def places(app: FastAPI) -> list[Place]:
    """Every route, whichever router it belongs to."""
    return sorted(_walk(app.routes, ""), key=lambda place: (place.path, place.method))


def _walk(routes: Sequence[Any], prefix: str) -> Iterator[Place]:
    for route in routes:
        if isinstance(route, APIRoute):
            queries = [field.alias for field in route.dependant.query_params]
            for method in sorted(route.methods or ()):
                yield Place(method, prefix + route.path, queries)
        elif hasattr(route, "original_router"):
            inner = getattr(route.include_context, "prefix", "")
            yield from _walk(route.original_router.routes, prefix + inner)


def knocks(app: FastAPI, id: str, cookie: str) -> Iterator[Knock]:
    """All of the corpus at every door. `id` is that of a finished picture, `cookie` an operator's."""
    for place in places(app):
        yield from _paths(place, cookie)
        yield from _queries(place, id, cookie)
        if place.method in ("POST", "PUT"):
            yield from _bodies(place, id, cookie)
            yield from _fields(place, id, cookie)
    yield from _headers(id)


def _paths(place: Place, cookie: str) -> Iterator[Knock]:
    if "{id}" not in place.path:
        return
    for name, text in corpus.TEXTS.items():
        escaped = place.path.replace("{id}", quote_from_bytes(text[:6000], safe=""))
        yield _knock(f"{place.path}: {name}", place.method, escaped, cookie)


def _queries(place: Place, id: str, cookie: str) -> Iterator[Knock]:
    for query in (*place.queries, "unknown", "told", "said"):
        for name, text in corpus.TEXTS.items():
            path = f"{place.address(id)}?{query}={quote_from_bytes(text[:6000], safe='')}"
            yield _knock(f"{place.path}?{query}: {name}", place.method, path, cookie)


def _bodies(place: Place, id: str, cookie: str) -> Iterator[Knock]:
    usual = _JSON if _takes_json(place) else _FORM
    for name, body in corpus.BODIES.items():
        yield _knock(f"{place.path} body: {name}", place.method, place.address(id), cookie, usual, body)
    for kind in corpus.CONTENT_TYPES:
        yield _knock(f"{place.path} type: {kind!r}", place.method, place.address(id), cookie, kind, b"{}")


def _fields(place: Place, id: str, cookie: str) -> Iterator[Knock]:
    if _takes_json(place):
        for name, body in _json_bodies(place):
            yield _knock(f"{place.path} {name}", place.method, place.address(id), cookie, _JSON, body)
        return
    usual = next((fields for end, fields in _FORMS.items() if place.path.endswith(end)), _FORMS["/admin"])
    for field in (*usual, "unknown"):
        for name, text in corpus.TEXTS.items():
            sent = {key: value.encode() for key, value in usual.items()} | {field: text}
            body = "&".join(f"{key}={quote_from_bytes(value, safe='')}" for key, value in sent.items())
            yield _knock(
                f"{place.path} {field}: {name}", place.method, place.address(id), cookie, _FORM, body.encode()
            )


def _json_bodies(place: Place) -> Iterator[tuple[str, bytes]]:
    usual: Mapping[str, object] = json.loads(_ORDER)
    if place.path.endswith("/reports"):
        usual = {"reason": "other", "text": "x"}
    elif place.path.endswith("/generations"):
        usual = {"prompt": "cat", "n": 1, "response_format": "url", "model": "x", "size": "x", "seed": 7}
    for field in (*usual, "unknown"):
        rest = ", ".join(f"{json.dumps(key)}: {json.dumps(usual[key])}" for key in usual if key != field)
        for name, text in corpus.TEXTS.items():
            value = json.dumps(text.decode(errors="surrogateescape")).encode()
            yield f"{field}: {name}", b'{"%s": %s, %s}' % (field.encode(), value, rest.encode())
        for name, value in corpus.JSON_VALUES.items():
            yield f"{field}: {name}", b'{"%s": %s, %s}' % (field.encode(), value, rest.encode())


def _headers(id: str) -> Iterator[Knock]:
    for path in _LOOKED_AT:
        for header in _HEADERS:
            for name, text in corpus.TEXTS.items():
                line = header.encode() + b": " + text
                yield Knock(f"{path} {header}: {name}", _request("GET", path.replace("{id}", id), [line]))


_JSON, _FORM = b"application/json", b"application/x-www-form-urlencoded"


def _takes_json(place: Place) -> bool:
    return place.path.startswith(("/api/", "/v1/"))


def _knock(
    door: str, method: str, path: str, cookie: str, kind: bytes | None = None, body: bytes | None = None
) -> Knock:
    lines = [b"Accept: text/html", b"Cookie: " + cookie.encode()]
    lines += [] if kind is None else [b"Content-Type: " + kind]
    return Knock(f"{method} {door}", _request(method, path, lines, body))


def _request(method: str, path: str, lines: Sequence[bytes], body: bytes | None = None) -> bytes:
    host = [] if any(line.lower().startswith(b"host:") for line in lines) else [b"Host: localhost"]
    length = [] if body is None else [b"Content-Length: %d" % len(body)]
    head = [f"{method} {path} HTTP/1.1".encode(), *host, b"Connection: close", *lines, *length]
    return b"\r\n".join(head) + b"\r\n\r\n" + (body or b"")


def answer(base: str, sent: bytes) -> bytes:
    """All that comes back. Raises OSError where nothing does for half a minute."""
    host, _, port = base.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as line:
        line.sendall(sent)
        parts: list[bytes] = []
        try:
            while part := line.recv(65536):
                parts.append(part)
        except ConnectionResetError:  # it was told enough
            pass
    return b"".join(parts)
