"""How the house stands: overview, queue, keys, the log."""

import shutil
import time
from statistics import quantiles

from fastapi import APIRouter, HTTPException, Request, Response

from strikebox.site.admin import reading
from strikebox.site.admin.parts import Parts, back, text_of, why_of
from strikebox.site.admin.session import Operator
from strikebox.site.context import Site
from strikebox.site.pages.forms import Fields

_DAY = 86400.0
_FEWEST = 10  # judged estimates of which one speaks
_MOST_A_DAY = 1_000_000
_LONGEST_NAME = 128  # characters


def router(parts: Parts) -> APIRouter:
    routes = APIRouter(prefix="/admin", include_in_schema=False)
    _looks(routes, parts)
    _queue(routes, parts)
    _keys(routes, parts)
    return routes


def _looks(routes: APIRouter, parts: Parts) -> None:
    site = parts.site

    @routes.get("")
    def overview(request: Request, who: Operator) -> Response:
        return parts.page(
            request,
            "overview",
            who,
            jobs=site.queue.count(),
            pictures=site.pictures.counts(),
            today=site.budget.today(),
            days=reading.last_days(site.database),
            workers=site.workers.alive(),
            stuck=site.workers.stuck(),
            paces=reading.paces(site.database),
            reports=site.reports.count_open(),
            votes=site.votes.total(time.time() - _DAY),
            error=estimate_error(site),
            free=shutil.disk_usage(site.settings.storage.folder).free,
        )

    @routes.get("/log")
    def log(request: Request, who: Operator, before: int | None = None) -> Response:
        entries = site.log.read(None if before is None else min(max(before, 0), 2**31 - 1))
        return parts.page(request, "log", who, entries=entries)


def _queue(routes: APIRouter, parts: Parts) -> None:
    site = parts.site

    @routes.get("/queue")
    def queue(request: Request, who: Operator) -> Response:
        going = reading.jobs_in(site.database, ("running", "waiting"))
        failed = reading.jobs_in(site.database, ("failed",), most=20)
        return parts.page(request, "queue", who, going=going, failed=failed)

    @routes.post("/queue/{id}/cancel")
    def cancel(id: str, who: Operator, fields: Fields) -> Response:
        if not site.queue.cancel(id):
            return back("queue", "over")
        site.budget.settle_ended()
        site.log.write(who, "cancel job", id, why_of(fields))
        return back("queue", "cancelled")


def _keys(routes: APIRouter, parts: Parts) -> None:
    site = parts.site

    @routes.get("/keys")
    def keys(request: Request, who: Operator) -> Response:
        return parts.page(request, "keys", who, keys=site.api_keys.all(), secret=None)

    @routes.post("/keys")
    def create(request: Request, who: Operator, fields: Fields) -> Response:
        """The secret is on this very answer and nowhere else, so there is no redirect."""
        name, number = text_of(fields, "name", _LONGEST_NAME), fields.get("per_day", "")
        if not name or not name.isprintable() or not number.isdecimal() or not number.isascii():
            raise HTTPException(422)
        secret = site.api_keys.create(name, min(int(number[:9]), _MOST_A_DAY))
        site.log.write(who, "create key", name)
        return parts.page(request, "keys", who, keys=site.api_keys.all(), secret=secret)

    @routes.post("/keys/{id}/revoke")
    def revoke(id: str, who: Operator, fields: Fields) -> Response:
        if not site.api_keys.revoke(id):
            raise HTTPException(404)
        site.log.write(who, "revoke key", id, why_of(fields))
        return back("keys", "revoked")


def estimate_error(site: Site) -> tuple[float, float] | None:
    """Seconds that half and nine tenths of the latest estimates were wrong by at most; None: too few."""
    wrong = [abs(said - was) for said, was in site.waiting.errors()]
    if len(wrong) < _FEWEST:
        return None
    tenths = quantiles(wrong, n=10)
    return tenths[4], tenths[8]
