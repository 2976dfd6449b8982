"""The first page: name a thing. What it sends, and in which language it speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from strikebox.errors import OrderError, SubjectError
from strikebox.generation.plan import MOST_SEED
from strikebox.site.budget import Today
from strikebox.site.gate import gate_of
from strikebox.site.pages.faults import Fault, fault_of
from strikebox.site.pages.forms import Fields
from strikebox.site.pages.parts import Parts, local, see_other
from strikebox.site.templates_env import LANGUAGE_COOKIE

_LATEST, _BEST = 12, 6
_MATCHES = 20  # that a day's box is drawn with
_YEAR = 31_536_000  # seconds


@dataclass(frozen=True, slots=True)
class Box:
    """The day's money as a box of matches."""

    today: Today
    left: int  # matches that are not burnt
    all: int = _MATCHES

    @property
    def is_empty(self) -> bool:
        return self.left == 0


def box_of(today: Today) -> Box:
    """A match burns when its share is spent; the last goes when nothing is left."""
    share = today.left / today.limit if today.limit > 0 else 0.0
    return Box(today, min(max(ceil(share * _MATCHES), 0), _MATCHES))


def router(parts: Parts) -> APIRouter:
    pages = APIRouter()

    @pages.get("/")
    def home(
        request: Request,
        subject: Annotated[str, Query()] = "",
        seed: Annotated[str, Query()] = "",
    ) -> Response:
        return _page(parts, request, subject[:200], seed if _seed_of(seed) is not None else "")

    @pages.post("/make")
    async def make(request: Request, fields: Fields) -> Response:
        return await run_in_threadpool(_make, parts, request, fields)

    @pages.post("/language")
    async def language(request: Request, fields: Fields) -> Response:
        answer = see_other(local(fields.get("next", "/")))
        if (chosen := fields.get("language", "")) in parts.templates.spoken:
            secure = parts.templates.base(request).startswith("https:")
            answer.set_cookie(LANGUAGE_COOKIE, chosen, _YEAR, samesite="lax", httponly=True, secure=secure)
        return answer

    return pages


def _make(parts: Parts, request: Request, fields: Mapping[str, str]) -> Response:
    """Order a picture; where that fails the form comes back with what was typed and why."""
    subject, seed = fields.get("subject", ""), fields.get("seed", "").strip()
    words = parts.templates.words(request)
    if seed and _seed_of(seed) is None:
        fault = Fault(status=422, title=words("error.bad_request"), text=words("error.seed_text"))
        return _page(parts, request, subject, seed, fault)
    try:
        proof = fields.get("altcha", "")
        ticket = gate_of(request).order(request, subject, _seed_of(seed), proof=proof)
    except (OrderError, SubjectError) as error:
        return _page(parts, request, subject, seed, fault_of(error, words))
    return see_other(f"/jobs/{ticket.id}")


def _page(parts: Parts, request: Request, subject: str, seed: str, problem: Fault | None = None) -> Response:
    site = parts.site
    box = box_of(site.budget.today())
    return parts.templates.page(
        request,
        "home.html",
        status=problem.status if problem else 200,
        headers=problem.headers if problem else None,
        subject=subject,
        seed=seed,
        remixing=bool(subject and seed and not problem),
        problem=problem,
        proof=gate_of(request).needs_proof(request),
        box=box,
        closed=_opening(parts, box.today) if box.is_empty and not problem else None,
        hall=site.pictures.page("hall", most=_BEST).pictures,
        latest=site.pictures.page("newest", most=_LATEST).pictures,
    )


def _opening(parts: Parts, today: Today) -> str:
    """When the box opens again, on the clock of its midnight."""
    zone = ZoneInfo(parts.site.settings.budget.time_zone)
    return f"{datetime.fromtimestamp(today.opens_at, zone):%H:%M %Z}"


def _seed_of(text: str) -> int | None:
    plain = text.isascii() and text.isdigit() and len(text) <= 10
    return int(text) if plain and int(text) <= MOST_SEED else None
