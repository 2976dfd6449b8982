"""What every admin page is made with: the site, its templates, which ours extend, and our own words."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import Request
from fastapi.responses import HTMLResponse, RedirectResponse

from strikebox.site.context import Site
from strikebox.site.templates_env import Templates
from strikebox.site.words import NAMES, Words

PAGES = ("", "queue", "reports", "pictures", "hall", "votes", "keys", "log")  # in the order of the menu
_WORDS = Path(__file__).parent / "words"
LONGEST_WHY = 500  # characters of a reason


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The site and the templates of admin pages."""

    site: Site
    templates: Templates

    def page(
        self, request: Request, name: str, who: str | None, status: int = 200, **context: object
    ) -> HTMLResponse:
        """The admin page `name`; nobody keeps a copy."""
        fresh = {"Cache-Control": "no-store"}
        words = admin_words(self.templates.words(request).language)
        told = request.query_params.get("told")
        common = {"a": words, "who": who, "pages": PAGES, "told": told if words.has(f"told.{told}") else None}
        return self.templates.page(
            request, f"admin/{name}.html", status=status, headers=fresh, **common, **context
        )


def back(place: str, told: str) -> RedirectResponse:
    """To an admin page that says what was done."""
    return RedirectResponse(f"/admin/{place}?told={told}", 303)


def why_of(fields: Mapping[str, str]) -> str:
    """The reason that a form gives, for the log."""
    return text_of(fields, "why", LONGEST_WHY)


def text_of(fields: Mapping[str, str], name: str, longest: int) -> str:
    """A field of a form without surrounding blanks, and without what databases do not take."""
    return fields.get(name, "").replace("\0", "").strip()[:longest]


@cache
def admin_words(language: str) -> Words:
    """What admin pages say in a language: flat JSON beside this file."""
    text = (_WORDS / f"{language}.json").read_text("utf-8")
    return Words(language, NAMES[language], json.loads(text), {})
