"""What a form sent: fields of text, at most a few kilobytes of them."""

from collections.abc import Mapping
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, HTTPException, Request

MOST_BYTES = 16_384
_MOST_FIELDS = 16
_KIND = "application/x-www-form-urlencoded"


async def _fields(request: Request) -> Mapping[str, str]:
    """Fields by name; of two with one name the last. Raises HTTPException 413, 415 or 400."""
    kind = request.headers.get("content-type", _KIND).partition(";")[0].strip().lower()
    if kind != _KIND:
        raise HTTPException(415)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            raise HTTPException(413)
    try:
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except ValueError:
        raise HTTPException(400) from None
    return dict(pairs)


Fields = Annotated[Mapping[str, str], Depends(_fields)]
