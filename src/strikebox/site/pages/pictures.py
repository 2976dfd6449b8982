"""The page of one picture: how it looks, what it cost, how it was made."""

import re
from functools import lru_cache

from fastapi import APIRouter, Request, Response

from strikebox import recipe as recipes
from strikebox.errors import MissingPicture
from strikebox.site import problem_kinds
from strikebox.site.gate import gate_of
from strikebox.site.pages.blueprints import drawn
from strikebox.site.pages.parts import Parts
from strikebox.site.pictures import Picture
from strikebox.site.problems import Problem, Refused
from strikebox.site.reports import REASONS

_OTHERS = 6


def router(parts: Parts) -> APIRouter:
    pages = APIRouter()

    @pages.get("/pictures/{id}")
    def picture(request: Request, id: str) -> Response:
        found = public(parts, id)
        client, language = gate_of(request).known_client(request), parts.templates.words(request).language
        others = parts.site.pictures.page("newest", most=_OTHERS + 1).pictures
        return parts.templates.page(
            request,
            "picture.html",
            picture=found,
            address=f"{parts.templates.base(request)}/pictures/{found.id}",
            file_name=_file_name(found),
            recipe_title=_title(found.toml, found.recipe),
            blueprint=drawn(parts, found, language),
            voted=client is not None and parts.site.votes.has(found.id, client),
            mine=client is not None and found.maker == client,
            reasons=REASONS,
            others=[other for other in others if other.id != found.id][:_OTHERS],
        )

    return pages


def public(parts: Parts, id: str) -> Picture:
    """The picture, if everybody may see it. Raises MissingPicture, or Refused where it is gone."""
    found = parts.site.pictures.find(id)
    if found is None or found.state == "withheld":
        raise MissingPicture(f"there is no picture {id[:32]!r}; go to the gallery")
    if not found.is_public:
        gone = problem_kinds.GONE if found.state == "deleted" else problem_kinds.TAKEN_DOWN
        raise Refused(Problem(kind=gone))
    return found


@lru_cache(maxsize=64)
def _title(toml: str, name: str) -> str:
    """What people call a recipe."""
    return recipes.parse(toml, name).title


def _file_name(picture: Picture) -> str:
    """What a download is called: words and seed."""
    words = re.sub(r"[^\w]+", "-", picture.subject).strip("-")[:60]
    return f"{words or 'picture'}-{picture.seed}"
