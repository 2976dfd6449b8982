"""A file of a picture as an answer: from this machine's disk by the kernel, from a store piece by piece."""

from collections.abc import Mapping

from fastapi import HTTPException, Response
from fastapi.responses import FileResponse, StreamingResponse

from strikebox.site.media import Media

_KINDS = {"png": "image/png", "webp": "image/webp"}


def send(media: Media, name: str, headers: Mapping[str, str]) -> Response:
    """The file called `name`; 503 where it is missing, StoreError where the store fails."""
    kind = _KINDS[name.rpartition(".")[2]]
    path = media.local(name)
    if path is None:
        return StreamingResponse(media.pieces(name), headers=dict(headers), media_type=kind)
    if not path.is_file():
        raise HTTPException(503)
    return FileResponse(path, headers=dict(headers), media_type=kind)
