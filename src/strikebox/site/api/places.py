"""Ids in addresses, and addresses for the world outside."""

import re
from typing import Annotated

from fastapi import Depends, Path, Request

from strikebox.site import problem_kinds as kinds
from strikebox.site.context import Site
from strikebox.site.problems import Problem, Refused

_ID = re.compile(r"[0-9a-f]{32}")


def _known_shape(id: Annotated[str, Path(description="32 hexadecimal digits.")]) -> str:
    """What cannot be an id is not looked for: some databases refuse text that others take."""
    if not _ID.fullmatch(id):
        raise Refused(Problem(kind=kinds.NOT_FOUND, detail="Ids have 32 hexadecimal digits."))
    return id


Id = Annotated[str, Depends(_known_shape)]


def base_of(request: Request, site: Site) -> str:
    """The site's address without a slash at its end, as it is configured or as the asker knows it."""
    base = site.settings.site.base_url or f"{request.url.scheme}://{request.url.netloc}"
    return base.rstrip("/")
