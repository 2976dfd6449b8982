"""Pages out of templates: words in the visitor's language, addresses of assets, the nonce of the request."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, cast, final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from strikebox.lab.blueprint_text import flops_words
from strikebox.site import words as languages
from strikebox.site.pictures import Picture
from strikebox.site.words import Words

_HERE = Path(__file__).parent
STATIC = _HERE / "static"
LANGUAGE_COOKIE = "language"

_TONES = 6  # colours of a label's frame
_SAID = frozenset({"voted", "unvoted", "reported", "deleted"})  # what a page may say after a form was sent
_SCRIPTS = {"ru": "cyrillic"}  # which half of a font a language needs first
_VARY = {"Vary": "Cookie, Accept-Language"}


@final
@dataclass(frozen=True, slots=True)
class Templates:
    """The templates of one site. Threads may share it."""

    title: str
    spoken: Sequence[str]  # languages; the first one is the default
    base_url: str | None
    environment: Environment

    def words(self, request: Request) -> Words:
        """Those of the language that the visitor chose or whose browser asks for."""
        header = request.headers.get("accept-language", "")
        return languages.words(languages.choose(request.cookies.get(LANGUAGE_COOKIE), header, self.spoken))

    def base(self, request: Request) -> str:
        """The site's address without a slash at its end, for links that leave it."""
        return (self.base_url or f"{request.url.scheme}://{request.url.netloc}").rstrip("/")

    def page(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **context: object,
    ) -> HTMLResponse:
        """The template filled in, in the visitor's language."""
        text = self.text(request, template, **context)
        return HTMLResponse(text, status, {**_VARY, "Cache-Control": "no-cache", **(headers or {})})

    def text(self, request: Request, template: str, **context: object) -> str:
        """The template filled in. Raises jinja2.UndefinedError where it asks for what nobody gave."""
        return self.environment.get_template(template).render(**self._common(request), **context)

    def _common(self, request: Request) -> dict[str, object]:
        words, path, query = self.words(request), request.url.path, request.url.query
        said = request.query_params.get("said")
        return {
            "t": words,
            "languages": [languages.words(tongue) for tongue in self.spoken],
            "script": _SCRIPTS.get(words.language, "latin"),
            "site_title": self.title,
            "base": self.base(request),
            "path": path,
            "here": (f"{path}?{query}" if query else path) if request.method == "GET" else "/",
            "said": said if said in _SAID else None,
            "nonce": getattr(request.state, "nonce", ""),
        }


def open_templates(title: str, spoken: Sequence[str], base_url: str | None) -> Templates:
    """The shipped templates, for a site of this name."""
    environment = Environment(
        # Admin pages keep their own templates and extend these.
        loader=FileSystemLoader([_HERE / "templates", _HERE / "admin" / "templates"]),
        autoescape=select_autoescape(["html", "svg", "xml"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        cache_size=-1,
    )
    known = cast(Any, environment)  # jinja2 leaves both dictionaries untyped
    known.globals["asset"] = asset
    known.filters |= {
        "tone": tone,
        "iso": iso,
        "ago": ago,
        "dollars": dollars,
        "flops": flops_words,
        "side": side,
    }
    for name in environment.list_templates():
        environment.get_template(name)  # compiled now, so that no visitor waits for it
    return Templates(title, spoken, base_url, environment)


@cache
def asset(name: str) -> str:
    """The address of a file in static/; another content has another address, so browsers may keep it."""
    digest = hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]
    return f"/static/{name}?v={digest}"


def tone(picture: Picture) -> str:
    """The colour of its label's frame: a class."""
    return f"tone-{int(picture.id[-4:], 16) % _TONES}"


def iso(seconds: float) -> str:
    """A time as RFC 3339 writes it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def ago(seconds: float, words: Words) -> str:
    """How long ago that was; a date where it is more than a month."""
    past = max(time.time() - seconds, 0)
    for unit, length, most in (("minutes", 60, 60), ("hours", 3600, 24), ("days", 86400, 31)):
        if past < 60:
            return words("time.now")
        if past < length * most:
            return words(f"time.{unit}", n=int(past // length))
    return iso(seconds)[:10]


def dollars(amount: float) -> str:
    """Dollars and cents, or two digits that matter where it is less than that."""
    if amount == 0 or amount >= 0.1:
        return f"${amount:.2f}"
    return f"${Decimal(f'{amount:.2g}'):f}"


def side(picture: Picture) -> str:
    """Width and height in pixels, of the largest file."""
    scale = 2 if picture.enlarged else 1
    return f"{picture.width * scale} × {picture.height * scale}"
